package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/scrypt"
)

// ErrPassword says that a secret key is encrypted, and not with this password.
var ErrPassword = errors.New("the password is wrong, or the file is damaged")

// A SecretKey signs. It prints, logs and marshals as [redacted].
type SecretKey struct {
	id  KeyID
	key ed25519.PrivateKey
}

// Generate makes a new key with a random id.
func Generate() (SecretKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return SecretKey{}, fmt.Errorf("making a key: %w", err)
	}
	k := SecretKey{key: key}
	_, _ = rand.Read(k.id[:]) // never fails: crypto/rand ends the program instead
	return k, nil
}

// Public returns the key that verifies what k signs.
func (k SecretKey) Public() PublicKey {
	p := PublicKey{ID: k.id}
	if len(k.key) == ed25519.PrivateKeySize {
		copy(p.Key[:], k.key[32:])
	}
	return p
}

// Ed25519 returns the bare key, for signing what is no file. A caller begins each message with
// words of its own, so that it is never taken for a package's.
func (k SecretKey) Ed25519() ed25519.PrivateKey { return bytes.Clone(k.key) }

const redacted = "[redacted]"

// String says nothing of the key.
func (SecretKey) String() string { return redacted }

// GoString says nothing of the key.
func (SecretKey) GoString() string { return redacted }

// Format says nothing of the key, whatever the verb: fmt would else print unexported fields for %d
// and %x.
func (SecretKey) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// MarshalText says nothing of the key; [SecretKey.Encode] does.
func (SecretKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue says nothing of the key.
func (SecretKey) LogValue() slog.Value { return slog.StringValue(redacted) }

const (
	secretComment = untrusted + "minisign encrypted secret key" // minisign's words, also where it is not encrypted

	kdfNone   = "\x00\x00"
	kdfScrypt = "Sc"
	checkB2   = "B2"

	offKDF, offCheck, offSalt, offOps, offMem, offBody = 2, 4, 6, 38, 46, 54

	bodySize   = 8 + ed25519.PrivateKeySize + blake2b.Size256 // key id, key, checksum
	secretSize = offBody + bodySize

	// What minisign uses, and the most that is accepted: 1 GiB of memory.
	maxOps, maxMem = 1 << 25, 1 << 30
	// What is written: 256 MiB of memory and about a second, scrypt's N = 2^18, r = 8, p = 1.
	ops, mem = 1 << 23, 1 << 28
)

// Encode returns the key as the text of a file, encrypted with the password unless it is empty.
// minisign reads both.
func (k SecretKey) Encode(password []byte) ([]byte, error) { return k.encode(password, ops, mem) }

func (k SecretKey) encode(password []byte, ops, mem uint64) ([]byte, error) {
	if len(k.key) != ed25519.PrivateKeySize {
		return nil, errors.New("writing secret key: there is none")
	}
	raw := make([]byte, secretSize)
	defer clear(raw)
	copy(raw, pure)
	copy(raw[offCheck:], checkB2)
	body := raw[offBody:]
	copy(body, k.id[:])
	copy(body[8:], k.key)
	if len(password) > 0 {
		copy(raw[offKDF:], kdfScrypt)
		_, _ = rand.Read(raw[offSalt:offOps])
		binary.LittleEndian.PutUint64(raw[offOps:], ops)
		binary.LittleEndian.PutUint64(raw[offMem:], mem)
		sum := checksum(body)
		copy(body[72:], sum[:])
		if err := encrypt(body, password, raw[offSalt:offOps], ops, mem); err != nil {
			return nil, fmt.Errorf("encrypting secret key: %w", err)
		}
	}
	return fmt.Appendf(nil, "%s\n%s\n", secretComment, encode(raw)), nil
}

// ParseSecretKey reads the text of a secret key's file. password is asked only when the key is
// encrypted; without one, such a key is [ErrPassword].
func ParseSecretKey(text []byte, password func() ([]byte, error)) (SecretKey, error) {
	k, err := parseSecret(string(text), password)
	if err != nil {
		return SecretKey{}, fmt.Errorf("reading secret key: %w", err)
	}
	return k, nil
}

func parseSecret(text string, password func() ([]byte, error)) (SecretKey, error) {
	var k SecretKey
	l, err := lines(text, maxKeyFile)
	if err != nil {
		return k, err
	}
	if len(l) != 2 || !strings.HasPrefix(l[0], untrusted) {
		return k, errors.New("it is a file of two lines, the first a comment, as \"minisign -G\" writes it")
	}
	raw, err := decode(l[1], secretSize)
	if err != nil {
		return k, err
	}
	defer clear(raw)
	if string(raw[:2]) != pure || string(raw[offCheck:offSalt]) != checkB2 {
		return k, errors.New("it is no Ed25519 key with a BLAKE2b checksum")
	}
	body := raw[offBody:]
	switch string(raw[offKDF:offCheck]) {
	case kdfNone:
		// minisign leaves salt, costs and checksum zero; another writer may have made the checksum.
		if sum := checksum(body); !zero(body[72:]) && !bytes.Equal(body[72:], sum[:]) || !zero(raw[offSalt:offBody]) {
			return k, errors.New("its checksum is wrong: the file is damaged")
		}
	case kdfScrypt:
		n, m := binary.LittleEndian.Uint64(raw[offOps:]), binary.LittleEndian.Uint64(raw[offMem:])
		if n > maxOps || m > maxMem {
			return k, fmt.Errorf("its password costs more than %d MiB of memory to try", maxMem>>20)
		}
		if password == nil {
			return k, fmt.Errorf("it is encrypted: %w", ErrPassword)
		}
		word, err := password()
		if err != nil {
			return k, fmt.Errorf("asking for its password: %w", err)
		}
		if err := encrypt(body, word, raw[offSalt:offOps], n, m); err != nil {
			return k, err
		}
		if sum := checksum(body); subtle.ConstantTimeCompare(body[72:], sum[:]) != 1 {
			return k, ErrPassword
		}
	default:
		return k, fmt.Errorf("it is encrypted in an unknown way (%q)", raw[offKDF:offCheck])
	}
	copy(k.id[:], body)
	k.key = bytes.Clone(body[8:72])
	// The file holds the public half too. One that does not belong to the
	// seed would make signatures from which the seed can be computed.
	if !bytes.Equal(ed25519.NewKeyFromSeed(k.key.Seed()), k.key) {
		return SecretKey{}, errors.New("its two halves do not belong together: the file is damaged")
	}
	return k, nil
}

// checksum is over the kind, the key's id and the key.
func checksum(body []byte) [blake2b.Size256]byte {
	message := append([]byte(pure), body[:72]...)
	defer clear(message)
	return blake2b.Sum256(message)
}

// encrypt XORs body with what scrypt makes of the password; the same again decrypts.
func encrypt(body, password, salt []byte, ops, mem uint64) error {
	n, r, p := cost(ops, mem)
	stream, err := scrypt.Key(password, salt, n, r, p, len(body))
	if err != nil {
		return fmt.Errorf("computing the password's key: %w", err)
	}
	subtle.XORBytes(body, body, stream)
	clear(stream)
	return nil
}

// cost turns libsodium's two limits into scrypt's three numbers, as libsodium does
// (crypto_pwhash_scryptsalsa208sha256, pickparams).
func cost(ops, mem uint64) (n, r, p int) {
	ops = max(ops, 1<<15)
	r, p = 8, 1
	most := ops / (8 * 4)
	if ops >= mem/32 {
		most = mem / (8 * 128)
	}
	log := 1
	for ; log < 63 && uint64(1)<<log <= most/2; log++ {
	}
	if ops >= mem/32 {
		p = int(min(ops/4>>log, 0x3fffffff)) / r
	}
	return 1 << log, r, p
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
