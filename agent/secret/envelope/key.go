package envelope

import (
	"bytes"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// Sizes of the algorithms of version 1, in bytes.
const (
	publicSize = 1184 + 32         // ML-KEM-768, X25519
	seedSize   = 32                // of a private key
	wrapSize   = 1088 + 32 + 48    // what both encapsulate; a content key with its tag
	idSize     = 8                 // of a KeyID
	oneSize    = idSize + wrapSize // for each server
)

func kem() hpke.KEM   { return hpke.MLKEM768X25519() }
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// Fingerprint is the SHA-256 of a public sealing key's bytes.
type Fingerprint [sha256.Size]byte

const fingerprintPrefix = "sha256:"

// String is the form that people compare, and ParseFingerprint reads.
func (f Fingerprint) String() string { return fingerprintPrefix + hex.EncodeToString(f[:]) }

// ParseFingerprint reads "sha256:" and 64 lower-case hexadecimal digits.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	digits, ok := strings.CutPrefix(s, fingerprintPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || copy(f[:], b) != len(b) || f.String() != s {
		return Fingerprint{}, fmt.Errorf("reading the fingerprint %.80q: want %s and 64 lower-case hexadecimal digits", s, fingerprintPrefix)
	}
	return f, nil
}

// KeyID names a sealing key: the first bytes of its fingerprint.
type KeyID [idSize]byte

func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey is what values are sealed to. It comes from a [Statement] that was verified, or from
// its private key.
type PublicKey struct {
	key hpke.PublicKey
	raw []byte
}

func parsePublicKey(raw []byte) (PublicKey, error) {
	key, err := kem().NewPublicKey(raw)
	if err != nil {
		return PublicKey{}, fmt.Errorf("reading a public sealing key of %d bytes: %w", len(raw), err)
	}
	return PublicKey{key, bytes.Clone(raw)}, nil
}

// Fingerprint is what to compare, and to pin.
func (k PublicKey) Fingerprint() Fingerprint { return sha256.Sum256(k.raw) }

// ID is the key's name in sealed values.
func (k PublicKey) ID() KeyID {
	f := k.Fingerprint()
	return KeyID(f[:idSize])
}

func (k PublicKey) String() string { return k.Fingerprint().String() }

// privateKey opens what is sealed to its public key.
type privateKey struct {
	key    hpke.PrivateKey
	seed   []byte
	public PublicKey
}

func generate() (privateKey, error) {
	key, err := kem().GenerateKey()
	if err != nil {
		return privateKey{}, fmt.Errorf("making a sealing key: %w", err)
	}
	seed, err := key.Bytes()
	if err != nil {
		return privateKey{}, fmt.Errorf("making a sealing key: %w", err)
	}
	return parsePrivateKey(seed)
}

func parsePrivateKey(seed []byte) (privateKey, error) {
	key, err := kem().NewPrivateKey(seed)
	if err != nil {
		return privateKey{}, fmt.Errorf("reading a private sealing key: %w", err)
	}
	public, err := parsePublicKey(key.PublicKey().Bytes())
	return privateKey{key, bytes.Clone(seed), public}, err
}

// A Ring has private keys: whatever prints it must not.
const redacted = "[redacted]"

// String implements fmt.Stringer.
func (Ring) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Ring) GoString() string { return redacted }

// Format implements fmt.Formatter, for the verbs that do not ask for a text.
func (Ring) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON implements json.Marshaler.
func (Ring) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
