package envelope

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of a sealed value.
const (
	MaxServers = 64      // that can open it
	MaxValue   = 1 << 20 // bytes in clear
)

const (
	// family begins the text of any version, so that one that is not known here is refused and
	// not handed to an App as it is.
	family       = "tcsealed:"
	sealedPrefix = family + "v1:"     // for one order
	jobPrefix    = family + "job:v1:" // for all runs of a Job

	step      = 64      // clear values are filled up to a multiple of it
	nonceTag  = 12 + 16 // of AES-GCM
	maxSealed = 1 + MaxServers*oneSize + nonceTag + MaxValue + step
)

// Why a text is not opened.
var (
	ErrFormat    = errors.New("it is no sealed value of a known form")
	ErrRecipient = errors.New("it is not sealed to this server")
	ErrOpen      = errors.New("it was changed, or sealed for another order, parameter or Environment")
)

// IsSealed reports whether a parameter is a sealed value, of this or another version. A clear value
// that looks like one must be sealed: it would be refused otherwise.
func IsSealed(s string) bool { return strings.HasPrefix(s, family) }

// IsForJob reports whether a parameter is a sealed value for the runs of a Job.
func IsForJob(s string) bool { return strings.HasPrefix(s, jobPrefix) }

// sealed is the content of a text.
type sealed struct {
	job   bool
	wraps []wrap // by ascending id
	body  []byte // nonce, ciphertext, tag
}

// wrap is the content key, sealed to one server.
type wrap struct {
	id  KeyID
	key []byte
}

// head is what stands before the body, which is bound to it.
func (s sealed) head() []byte {
	b := []byte{byte(len(s.wraps))}
	for _, w := range s.wraps {
		b = append(append(b, w.id[:]...), w.key...)
	}
	return b
}

func (s sealed) String() string {
	prefix := sealedPrefix
	if s.job {
		prefix = jobPrefix
	}
	return prefix + base64.RawURLEncoding.EncodeToString(append(s.head(), s.body...))
}

func parseSealed(text string) (sealed, error) {
	var s sealed
	body, ok := strings.CutPrefix(text, sealedPrefix)
	if !ok {
		body, s.job = strings.CutPrefix(text, jobPrefix)
	}
	if !ok && !s.job {
		return sealed{}, fmt.Errorf("%w: it begins with neither %q nor %q", ErrFormat, sealedPrefix, jobPrefix)
	}
	if len(body) > base64.RawURLEncoding.EncodedLen(maxSealed) {
		return sealed{}, fmt.Errorf("%w: it has %d bytes, at most %d are possible", ErrFormat, len(text), len(jobPrefix)+base64.RawURLEncoding.EncodedLen(maxSealed))
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(b) == 0 || strings.ContainsAny(body, "\r\n") { // which base64 skips
		return sealed{}, fmt.Errorf("%w: it is damaged", ErrFormat)
	}
	n, b := int(b[0]), b[1:]
	if n == 0 || n > MaxServers || len(b) < n*oneSize+nonceTag+step || (len(b)-n*oneSize-nonceTag)%step != 0 {
		return sealed{}, fmt.Errorf("%w: its %d bytes are not those of a value for %d servers", ErrFormat, len(b), n)
	}
	for range n {
		s.wraps = append(s.wraps, wrap{KeyID(b[:idSize]), b[idSize:oneSize]})
		b = b[oneSize:]
	}
	if !slices.IsSortedFunc(s.wraps, byID) || hasTwins(s.wraps) {
		return sealed{}, fmt.Errorf("%w: its servers are not in their order", ErrFormat)
	}
	s.body = b
	return s, nil
}

func byID(a, b wrap) int { return bytes.Compare(a.id[:], b.id[:]) }

func hasTwins(sorted []wrap) bool {
	return len(slices.CompactFunc(slices.Clone(sorted), func(a, b wrap) bool { return a.id == b.id })) != len(sorted)
}

// Recipients are the keys that a sealed value opens with. A server that has none of them is not to
// be offered the order.
func Recipients(text string) ([]KeyID, error) {
	s, err := parseSealed(text)
	if err != nil {
		return nil, fmt.Errorf("reading a sealed value: %w", err)
	}
	var ids []KeyID
	for _, w := range s.wraps {
		ids = append(ids, w.id)
	}
	return ids, nil
}

// fill hides the length: 4 bytes big-endian length, the value, and zeros up to a multiple of step.
func fill(value []byte) []byte {
	b := appendText(nil, value)
	return append(b, make([]byte, -len(b)&(step-1))...)
}

func unfill(b []byte) ([]byte, error) {
	value, _, ok := cutText(b)
	if !ok || !bytes.Equal(fill(value), b) {
		return nil, fmt.Errorf("%w: its length is not that of the value in it", ErrFormat)
	}
	return value, nil
}

// compact is the sorted list without a key that is there twice.
func compact(to []PublicKey) []PublicKey {
	to = slices.Clone(to)
	slices.SortFunc(to, func(a, b PublicKey) int { return cmp.Compare(a.String(), b.String()) })
	return slices.CompactFunc(to, func(a, b PublicKey) bool { return bytes.Equal(a.raw, b.raw) })
}
