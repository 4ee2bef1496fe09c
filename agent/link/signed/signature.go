package signed

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tcenvsvr/agent/link/wire"
)

// Limits of a signature.
const (
	// MaxLife is the longest time from made-at to not-after; so long is remembered what ran.
	MaxLife = 31 * 24 * time.Hour
	// MaxEnvironment is the longest name of an Environment, in bytes.
	MaxEnvironment = 128
	// MaxText is the longest text form of a signature.
	MaxText = len(textPrefix) + (fixedSize+MaxEnvironment)*4/3 + 1
)

const (
	textPrefix = "tcsigned:v1:"
	fixedSize  = 8 + 8 + 8 + sha256.Size + ed25519.SignatureSize // then the Environment's name
)

// KeyID names a key, as in the key files of minisign.
type KeyID [8]byte

// String is what minisign prints: the bytes as a little-endian number, in hexadecimal.
func (id KeyID) String() string { return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:])) }

// Signature is what an operator adds to an order. In JSON it is one string. Nothing in it is
// secret, but somebody who has it can find out whether a guess of all the parameters is right.
type Signature struct {
	KeyID       KeyID
	MadeAt      int64             // Unix milliseconds, by the operator's clock
	NotAfter    int64             // Unix milliseconds; the App is not started later
	Params      [sha256.Size]byte // digest of the parameters
	Bytes       [ed25519.SignatureSize]byte
	Environment string // whose servers may run the order
}

// Terms are what a signature says besides the order.
type Terms struct {
	KeyID            KeyID
	Environment      string
	MadeAt, NotAfter time.Time // at most MaxLife apart
}

// Sign signs an order with all its parameters, those that will travel by HTTPS as well and sealed
// ones sealed. Order.Attempt, Token and the other fields that [Coverage] leaves out may change
// later.
func Sign(o *wire.Order, t Terms, key ed25519.PrivateKey) (Signature, error) {
	s := Signature{KeyID: t.KeyID, Environment: t.Environment, MadeAt: t.MadeAt.UnixMilli(), NotAfter: t.NotAfter.UnixMilli()}
	whole := *o
	whole.Attempt, whole.ParamsByHTTPS = 1, false
	if err := sane(&whole); err != nil {
		return Signature{}, fmt.Errorf("signing order %.70q: %w", string(o.Order), err)
	}
	if err := s.validate(); err != nil {
		return Signature{}, fmt.Errorf("signing order %q: %w", o.Order, err)
	}
	s.Params = digest(o.Params)
	copy(s.Bytes[:], ed25519.Sign(key, canonical(o, &s)))
	return s, nil
}

// sane reports why an order cannot be a signed one, with any key.
func sane(o *wire.Order) error {
	if !o.Order.Valid() {
		return errors.New("the order's id is none: use 1–64 of A–Z a–z 0–9 _ -")
	}
	if !o.App.SHA256.Valid() {
		return fmt.Errorf("the App's SHA-256 %.70q is none", string(o.App.SHA256))
	}
	return portable(o)
}

func (s *Signature) validate() error {
	switch life := s.NotAfter - s.MadeAt; {
	case s.MadeAt <= 0 || s.NotAfter <= 0:
		return errors.New("its times are before 1970")
	case life <= 0 || life > MaxLife.Milliseconds():
		return fmt.Errorf("made at %s and not after %s: want the second later, by at most %d days", stamp(time.UnixMilli(s.MadeAt)), stamp(time.UnixMilli(s.NotAfter)), MaxLife/24/time.Hour)
	case s.Environment == "" || len(s.Environment) > MaxEnvironment || !utf8.ValidString(s.Environment):
		return fmt.Errorf("its Environment is %.140q, want 1–%d bytes of UTF-8", s.Environment, MaxEnvironment)
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Signature) MarshalText() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("writing a signature: %w", err)
	}
	b := make([]byte, 0, fixedSize+len(s.Environment))
	b = append(b, s.KeyID[:]...)
	b = number(b, s.MadeAt)
	b = number(b, s.NotAfter)
	b = append(b, s.Params[:]...)
	b = append(b, s.Bytes[:]...)
	b = append(b, s.Environment...)
	return base64.RawURLEncoding.AppendEncode([]byte(textPrefix), b), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It takes what MarshalText makes, and nothing
// else.
func (s *Signature) UnmarshalText(data []byte) error {
	if len(data) > MaxText {
		return fmt.Errorf("reading a signature: it has %d bytes, at most %d are possible", len(data), MaxText)
	}
	body, ok := strings.CutPrefix(string(data), textPrefix)
	if !ok {
		return fmt.Errorf("reading a signature: it does not begin with %q", textPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return fmt.Errorf("reading a signature: %w", err)
	}
	if len(b) <= fixedSize {
		return fmt.Errorf("reading a signature: it is cut off: %d bytes, want more than %d", len(b), fixedSize)
	}
	var read Signature
	b = b[copy(read.KeyID[:], b):]
	read.MadeAt, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	read.NotAfter, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	b = b[copy(read.Params[:], b):]
	b = b[copy(read.Bytes[:], b):]
	read.Environment = string(b)
	again, err := read.MarshalText() // it validates; and base64 skips line ends, which would make two texts of one signature
	if err != nil {
		return fmt.Errorf("reading a signature: %w", errors.Unwrap(err))
	}
	if !bytes.Equal(again, data) {
		return errors.New("reading a signature: it has line ends in it")
	}
	*s = read
	return nil
}

// Parse reads a signature's text form; "" is an order without one, and fails with ErrUnsigned.
func Parse(text string) (*Signature, error) {
	if text == "" {
		return nil, ErrUnsigned
	}
	s := new(Signature)
	if err := s.UnmarshalText([]byte(text)); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	return s, nil
}
