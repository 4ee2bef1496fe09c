package signature

import (
	"fmt"
	"io"
	"os"
)

// ReadSecretKey reads a secret key's file; see [ParseSecretKey].
func ReadSecretKey(path string, password func() ([]byte, error)) (SecretKey, error) {
	text, err := readFile(path, maxKeyFile)
	if err != nil {
		return SecretKey{}, fmt.Errorf("reading secret key: %w", err)
	}
	defer clear(text)
	k, err := parseSecret(string(text), password)
	if err != nil {
		return SecretKey{}, fmt.Errorf("reading secret key %q: %w", path, err)
	}
	return k, nil
}

// WriteSecretKey writes the key into a new file that only its owner can read, encrypted unless the
// password is empty. A file that is there stays as it is and is an error: a key that is overwritten
// is lost.
func WriteSecretKey(path string, k SecretKey, password []byte) (err error) {
	text, err := k.Encode(password)
	if err != nil {
		return err
	}
	defer clear(text)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing secret key: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(path)
			err = fmt.Errorf("writing secret key: %w", err)
		}
	}()
	if _, err = f.Write(text); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// ReadPublicKey reads a public key's file; see [ParsePublicKey].
func ReadPublicKey(path string) (PublicKey, error) {
	text, err := readFile(path, maxKeyFile)
	if err != nil {
		return PublicKey{}, fmt.Errorf("reading public key: %w", err)
	}
	k, err := ParsePublicKey(string(text))
	if err != nil {
		return PublicKey{}, fmt.Errorf("in %q: %w", path, err)
	}
	return k, nil
}

// Read reads the signature's file; see [Decode].
func Read(path string) (*Signature, error) {
	text, err := readFile(path, maxSignature)
	if err != nil {
		return nil, fmt.Errorf("reading signature: %w", err)
	}
	s, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("in %q: %w", path, err)
	}
	return s, nil
}

// readFile reads one byte more than the limit at most, so that the decoder sees that it is too
// long.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
