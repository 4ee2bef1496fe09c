package signature

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Names of algorithms, as they stand in the files.
const (
	pure      = "Ed" // Ed25519 over the message; also the kind of every key
	prehashed = "ED" // Ed25519 over BLAKE2b-512 of the message
)

// A KeyID finds a key among several. It proves nothing: the maker of a key chooses it.
type KeyID [8]byte

// String returns the id as minisign prints it: E7620F1842B4E81F.
func (id KeyID) String() string {
	return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:]))
}

// A PublicKey verifies signatures. It is comparable.
type PublicKey struct {
	ID  KeyID
	Key [ed25519.PublicKeySize]byte
}

// String returns the key as one word, as policies and "minisign -P" have it: RW….
func (k PublicKey) String() string {
	return encode([]byte(pure), k.ID[:], k.Key[:])
}

// Encode returns the key as a file, as "minisign -G" writes it.
func (k PublicKey) Encode() []byte {
	return fmt.Appendf(nil, "%sminisign public key %s\n%s\n", untrusted, k.ID, k)
}

// ParsePublicKey reads a public key: the word alone, or the file with the word in it.
func ParsePublicKey(text string) (PublicKey, error) {
	var k PublicKey
	l, err := lines(text, maxKeyFile)
	if err != nil {
		return k, fmt.Errorf("reading public key: %w", err)
	}
	if len(l) == 2 && strings.HasPrefix(l[0], untrusted) {
		l = l[1:]
	}
	if len(l) != 1 {
		return k, errors.New("reading public key: it is one word that begins with RW, or a file with a comment line and this word")
	}
	raw, err := decode(l[0], len(pure)+len(k.ID)+len(k.Key))
	if err != nil {
		return k, fmt.Errorf("reading public key: %w", err)
	}
	if string(raw[:2]) != pure {
		return k, fmt.Errorf("reading public key: it is of kind %q, not %q", raw[:2], pure)
	}
	copy(k.ID[:], raw[2:])
	copy(k.Key[:], raw[10:])
	return k, nil
}

// Limits of texts. minisign's own are 1 024 and 8 192 bytes for the comments.
const (
	maxKeyFile   = 2 << 10
	maxSignature = 16 << 10
	maxUntrusted = 1 << 10
	maxTrusted   = 8 << 10
)

const (
	untrusted = "untrusted comment: "
	trusted   = "trusted comment: "
)

// lines splits a text into its lines. The last may lack its end, and Windows' line ends are
// accepted: mail and version control change these, not what is signed.
func lines(text string, most int) ([]string, error) {
	if len(text) > most {
		return nil, fmt.Errorf("it is longer than %d bytes", most)
	}
	l := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range l {
		l[i] = strings.TrimSuffix(l[i], "\r")
	}
	return l, nil
}

// encode returns the parts one after the other in base64.
func encode(parts ...[]byte) string {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return base64.StdEncoding.EncodeToString(all)
}

// decode reads exactly size bytes, of which there is one spelling. Errors do not quote the text: it
// may be a secret.
func decode(text string, size int) ([]byte, error) {
	if len(text) != base64.StdEncoding.EncodedLen(size) {
		return nil, fmt.Errorf("base64 of %d characters where %d belong: is it cut off, or another kind of file?", len(text), base64.StdEncoding.EncodedLen(size))
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text) // which skips line breaks
	if err != nil || len(raw) != size {
		return nil, errors.New("base64 is damaged: copy it again")
	}
	return raw, nil
}
