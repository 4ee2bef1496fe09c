package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"tcenvsvr/agent/link/wire"
)

// header keeps what is derived for one purpose from serving another.
type header struct{ order, job string }

var (
	keyHeader   = header{"tcenvsvr sealed parameter v1 key\n", "tcenvsvr sealed Job parameter v1 key\n"}
	valueHeader = header{"tcenvsvr sealed parameter v1 value\n", "tcenvsvr sealed Job parameter v1 value\n"}
)

const maxName = 1024 // bytes of an Environment's or a parameter's name

// Binding is where a sealed value belongs; nowhere else does it open.
type Binding struct {
	Environment string
	Order       wire.OrderID // "" with Job
	Job         *Job         // instead of Order
	Parameter   string
}

// Job is where a value belongs that is sealed for all runs of a Job.
type Job struct {
	ID wire.JobID
	// Package is the one App that gets the value: a cloud could give any package a name.
	Package wire.SHA256
	// Sealed are the names of all parameters that are sealed for the Job, in any sequence. None of
	// them opens where another one is missing or comes in clear: who seals an address beside a
	// password knows that the password goes to no other address.
	Sealed []string
}

func (b Binding) validate() error {
	switch j := b.Job; {
	case j == nil && !b.Order.Valid():
		return fmt.Errorf("order id %.70q is none", string(b.Order))
	case j != nil && (b.Order != "" || !j.ID.Valid()):
		return fmt.Errorf("Job %.70q is none", string(j.ID))
	case j != nil && !j.Package.Valid():
		return fmt.Errorf("package %.70q is no digest", string(j.Package))
	case j != nil && !slices.Contains(j.Sealed, b.Parameter):
		return errors.New("it is not one of the Job's sealed parameters")
	}
	return errors.Join(validName("Environment", b.Environment), validName("parameter", b.Parameter))
}

// validName refuses what would be another name after its way as JSON, too.
func validName(of, name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("the %s's name has %d bytes, want 1–%d of UTF-8", of, len(name), maxName)
	}
	return nil
}

// bytes are a header and where the value belongs, each part with its length.
func (b Binding) bytes(h header) []byte {
	out, parts := []byte(h.order), []string{b.Environment, string(b.Order), b.Parameter}
	if j := b.Job; j != nil {
		out, parts = []byte(h.job), []string{b.Environment, string(j.ID), string(j.Package), b.Parameter}
		parts = append(parts, slices.Sorted(slices.Values(j.Sealed))...)
	}
	for _, s := range parts {
		out = appendText(out, s)
	}
	return out
}

// Seal seals the value of a parameter so that each of the keys opens it. The value must be UTF-8,
// as all parameters are.
func Seal(to []PublicKey, b Binding, value []byte) (string, error) {
	text, err := seal(to, b, value)
	if err != nil {
		return "", fmt.Errorf("sealing parameter %.80q: %w", b.Parameter, err)
	}
	return text, nil
}

func seal(to []PublicKey, b Binding, value []byte) (string, error) {
	to = compact(to)
	if len(to) == 0 || len(to) > MaxServers {
		return "", fmt.Errorf("there are %d servers to seal it to, want 1–%d", len(to), MaxServers)
	}
	if err := b.validate(); err != nil {
		return "", err
	}
	if len(value) > MaxValue {
		return "", fmt.Errorf("its value has %d bytes, at most %d are possible", len(value), MaxValue)
	}
	if !utf8.Valid(value) {
		return "", errors.New("its value is not UTF-8; encode it, e.g. as base64, if the App expects that")
	}
	return sealFilled(to, b, fill(value))
}

// sealFilled seals a value that was filled up.
func sealFilled(to []PublicKey, b Binding, filled []byte) (string, error) {
	content := make([]byte, 32)
	_, _ = rand.Read(content) // never fails, see crypto/rand
	s := sealed{job: b.Job != nil}
	for _, k := range to {
		id := k.ID()
		key, err := hpke.Seal(k.key, kdf(), aead(), append(b.bytes(keyHeader), id[:]...), content)
		if err != nil {
			return "", err
		}
		s.wraps = append(s.wraps, wrap{id, key})
	}
	if hasTwins(s.wraps) {
		return "", errors.New("two keys have the same id; have one of the servers make a new one")
	}
	c, err := bodyCipher(content)
	if err != nil {
		return "", err
	}
	s.body = c.Seal(nil, nil, filled, append(b.bytes(valueHeader), s.head()...))
	return s.String(), nil
}

// Open opens a value that was sealed to one of the keys. The error is ErrFormat, ErrRecipient or
// ErrOpen, with the parameter's name and nothing of its value.
func (r Ring) Open(b Binding, text string) ([]byte, error) {
	value, err := r.open(b, text)
	if err != nil {
		return nil, fmt.Errorf("opening the sealed parameter %.80q: %w", b.Parameter, err)
	}
	return value, nil
}

func (r Ring) open(b Binding, text string) ([]byte, error) {
	s, err := parseSealed(text)
	if err != nil {
		return nil, err
	}
	switch {
	case s.job && b.Job == nil:
		return nil, fmt.Errorf("%w: it is for the runs of a Job, and this order is none", ErrOpen)
	case !s.job && b.Job != nil:
		return nil, fmt.Errorf("%w: it is for one order", ErrOpen)
	}
	value, err := r.unseal(b, s)
	if s.job && errors.Is(err, ErrOpen) {
		err = fmt.Errorf("%w; or for another Job, App, or beside other sealed parameters", err)
	}
	return value, err
}

func (r Ring) unseal(b Binding, s sealed) ([]byte, error) {
	for _, k := range r.keys {
		id := k.public.ID()
		i := slices.IndexFunc(s.wraps, func(w wrap) bool { return w.id == id })
		if i < 0 {
			continue
		}
		content, err := hpke.Open(k.key, kdf(), aead(), append(b.bytes(keyHeader), id[:]...), s.wraps[i].key)
		if err != nil {
			return nil, ErrOpen
		}
		c, err := bodyCipher(content)
		if err != nil {
			return nil, ErrOpen
		}
		filled, err := c.Open(nil, nil, s.body, append(b.bytes(valueHeader), s.head()...))
		if err != nil {
			return nil, ErrOpen
		}
		return unfill(filled)
	}
	return nil, fmt.Errorf("%w: it is for %s, and this server's keys are %s; seal it again with this server's statement", ErrRecipient, ids(s.wraps), r.IDs())
}

func ids(wraps []wrap) (all []KeyID) {
	for _, w := range wraps {
		all = append(all, w.id)
	}
	return all
}

// bodyCipher is AES-256-GCM with a nonce before the ciphertext. A content key is used once.
func bodyCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// appendText appends 4 bytes big-endian length and the bytes.
func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// cutText takes one off the front.
func cutText(b []byte) (text, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n, b := binary.BigEndian.Uint32(b), b[4:]
	if uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
