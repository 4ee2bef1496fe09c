package signature

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// Reasons why a signature does not count.
var (
	ErrUnknownKey = errors.New("the key that signed is none of those that are accepted")
	ErrBad        = errors.New("the signature does not belong to this file, or one of them was changed")
	ErrTooLarge   = errors.New("the file is too large for the legacy form of signature: sign it anew with minisign 0.10 or newer, without -l")
)

// MaxLegacy is the largest file in bytes of which a legacy ("Ed") signature is verified.
const MaxLegacy = 64 << 20

// A Signature is what a signature's file says. Nothing of it is to be believed before
// [Signature.Verify].
type Signature struct {
	Untrusted string // a comment that anybody can change
	Prehashed bool   // over BLAKE2b-512 of the file ("ED") rather than the file ("Ed")
	KeyID     KeyID
	Sig       [ed25519.SignatureSize]byte
	Trusted   string                      // the trusted comment as it stands
	Global    [ed25519.SignatureSize]byte // over Sig and Trusted
}

// Sign reads the file to its end and signs it.
func Sign(k SecretKey, file io.Reader, c Comment) (*Signature, error) {
	if len(k.key) != ed25519.PrivateKeySize {
		return nil, errors.New("signing: there is no key")
	}
	text, err := c.text()
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	sum, err := digest(file)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be signed: %w", err)
	}
	s := &Signature{
		Untrusted: fmt.Sprintf("signature of %s %s", c.App, c.Version),
		Prehashed: true, KeyID: k.id, Trusted: text,
	}
	copy(s.Sig[:], ed25519.Sign(k.key, sum))
	copy(s.Global[:], ed25519.Sign(k.key, s.global()))
	return s, nil
}

// Verify reads the file to its end and returns the key among keys that signed it. The error wraps
// [ErrUnknownKey], [ErrBad] or [ErrTooLarge], or is the reader's. A signature that cannot become
// good is refused before the file is read.
func (s *Signature) Verify(file io.Reader, keys ...PublicKey) (PublicKey, error) {
	k, err := s.verify(file, keys)
	if err != nil {
		return PublicKey{}, fmt.Errorf("verifying signature of key %s: %w", s.KeyID, err)
	}
	return k, nil
}

// ErrDigest says that a legacy ("Ed") signature goes over the package itself: its digest does not
// do.
var ErrDigest = errors.New("a legacy signature is verified with the file itself")

// VerifyDigest is Verify for who has kept the file's [Digest] instead of the file. A legacy
// signature is ErrDigest.
func (s *Signature) VerifyDigest(sum [DigestSize]byte, keys ...PublicKey) (PublicKey, error) {
	if !s.Prehashed {
		return PublicKey{}, fmt.Errorf("verifying signature of key %s: %w", s.KeyID, ErrDigest)
	}
	k, err := s.check(keys, func() ([]byte, error) { return sum[:], nil })
	if err != nil {
		return PublicKey{}, fmt.Errorf("verifying signature of key %s: %w", s.KeyID, err)
	}
	return k, nil
}

// DigestSize is the length of a Digest in bytes.
const DigestSize = blake2b.Size

// Digest reads a file to its end and returns what signatures of it go over.
func Digest(file io.Reader) (sum [DigestSize]byte, err error) {
	d, err := digest(file)
	copy(sum[:], d)
	return sum, err
}

func (s *Signature) verify(file io.Reader, keys []PublicKey) (PublicKey, error) {
	return s.check(keys, func() ([]byte, error) { return s.message(file) })
}

// check finds the key that signed; message is asked for only if one can have done so.
func (s *Signature) check(keys []PublicKey, signed func() ([]byte, error)) (PublicKey, error) {
	var candidates []PublicKey
	known := false
	for _, k := range keys {
		if k.ID != s.KeyID {
			continue
		}
		known = true
		if ed25519.Verify(k.Key[:], s.global(), s.Global[:]) {
			candidates = append(candidates, k)
		}
	}
	switch {
	case !known:
		return PublicKey{}, ErrUnknownKey
	case len(candidates) == 0:
		return PublicKey{}, ErrBad
	}
	message, err := signed()
	if err != nil {
		return PublicKey{}, err
	}
	for _, k := range candidates {
		if ed25519.Verify(k.Key[:], message, s.Sig[:]) {
			return k, nil
		}
	}
	return PublicKey{}, ErrBad
}

// message returns what Ed25519 went over.
func (s *Signature) message(file io.Reader) ([]byte, error) {
	if s.Prehashed {
		sum, err := digest(file)
		if err != nil {
			return nil, fmt.Errorf("reading the signed file: %w", err)
		}
		return sum, nil
	}
	all, err := io.ReadAll(io.LimitReader(file, MaxLegacy+1))
	if err != nil {
		return nil, fmt.Errorf("reading the signed file: %w", err)
	}
	if len(all) > MaxLegacy {
		return nil, ErrTooLarge
	}
	return all, nil
}

// global returns what the second signature goes over.
func (s *Signature) global() []byte { return append(s.Sig[:len(s.Sig):len(s.Sig)], s.Trusted...) }

// Comment returns what the trusted comment says. Only after Verify is it to be believed.
func (s *Signature) Comment() Comment { return parseComment(s.Trusted) }

// Encode returns the text of the signature's file.
func (s *Signature) Encode() []byte {
	kind := pure
	if s.Prehashed {
		kind = prehashed
	}
	return fmt.Appendf(nil, "%s%s\n%s\n%s%s\n%s\n",
		untrusted, s.Untrusted, encode([]byte(kind), s.KeyID[:], s.Sig[:]),
		trusted, s.Trusted, encode(s.Global[:]))
}

// Decode reads the text of a signature's file.
func Decode(text []byte) (*Signature, error) {
	s, err := decodeSignature(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading signature: %w", err)
	}
	return s, nil
}

func decodeSignature(text string) (*Signature, error) {
	l, err := lines(text, maxSignature)
	if err != nil {
		return nil, err
	}
	if len(l) != 4 || !strings.HasPrefix(l[0], untrusted) || !strings.HasPrefix(l[2], trusted) {
		return nil, fmt.Errorf("it has four lines, the first begins with %q, the third with %q: is it the .minisig file?", untrusted, trusted)
	}
	s := &Signature{Untrusted: l[0][len(untrusted):], Trusted: l[2][len(trusted):]}
	if err := printable(s.Untrusted, maxUntrusted); err != nil {
		return nil, err
	}
	if err := printable(s.Trusted, maxTrusted); err != nil {
		return nil, err
	}
	raw, err := decode(l[1], 2+len(s.KeyID)+len(s.Sig))
	if err != nil {
		return nil, err
	}
	switch kind := string(raw[:2]); kind {
	case pure:
	case prehashed:
		s.Prehashed = true
	default:
		return nil, fmt.Errorf("it is of kind %q, not %q or %q", kind, prehashed, pure)
	}
	copy(s.KeyID[:], raw[2:])
	copy(s.Sig[:], raw[10:])
	raw, err = decode(l[3], len(s.Global))
	if err != nil {
		return nil, err
	}
	copy(s.Global[:], raw)
	return s, nil
}

func digest(r io.Reader) ([]byte, error) {
	h, err := blake2b.New512(nil)
	if err != nil {
		return nil, err // only a key that is too long is an error
	}
	if _, err := io.Copy(h, r); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
