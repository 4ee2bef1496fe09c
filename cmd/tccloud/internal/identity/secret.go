package identity

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/secret/privatefile"
)

// SecretFile is the name of the cluster secret in the data folder.
const SecretFile = "cluster.secret"

const (
	secretPrefix = "tccs1_"
	secretSize   = 32
	maxSecrets   = 8    // lines
	maxFile      = 4096 // bytes of the file
)

// secret is one line of the file.
type secret [secretSize]byte

// id names a secret without telling it.
func (s secret) id() string {
	key, _ := hkdf.Key(sha256.New, s[:], nil, "tccloud cluster secret id 1", 4) // fails for impossible lengths only
	return hex.EncodeToString(key)
}

func (s secret) line() []byte {
	return []byte(secretPrefix + base64.RawURLEncoding.EncodeToString(s[:]) + "\n")
}

// readSecrets reads the file's secrets, the one that seals first. Errors quote nothing of it.
func readSecrets(path string) ([]secret, error) {
	data, err := privatefile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster secret: %w", err)
	}
	all, err := parseSecrets(data)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster secret: %q: %w", path, err)
	}
	return all, nil
}

// parseSecrets also takes empty lines, and those that begin with #.
func parseSecrets(data []byte) ([]secret, error) {
	var all []secret
	n := 0
	for line := range bytes.Lines(data) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		text, found := bytes.CutPrefix(line, []byte(secretPrefix))
		raw, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
		switch {
		case !found || err != nil || len(raw) != secretSize:
			return nil, fmt.Errorf("line %d is no cluster secret", n)
		case len(all) == maxSecrets:
			return nil, fmt.Errorf("it has more than %d secrets", maxSecrets)
		}
		all = append(all, secret(raw))
	}
	if len(all) == 0 {
		return nil, errors.New("there is no secret in it")
	}
	return all, nil
}

// makeSecret returns what is in the file, and makes it if there is none. Several gateways on one
// host may be given the same path, and start at once.
func makeSecret(path string) ([]secret, error) {
	if exists(path) {
		return readSecrets(path)
	}
	fail := func(err error) ([]secret, error) {
		return nil, fmt.Errorf("making the cluster secret: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fail(err)
	}
	var s secret
	_, _ = rand.Read(s[:]) // never fails, see crypto/rand
	whole := path + "." + rand.Text()
	if err := atomicfile.WriteFile(whole, s.line(), privatefile.Mode); err != nil {
		return fail(err)
	}
	err := os.Link(whole, path) // unlike renaming, never over another one
	if err := errors.Join(os.Remove(whole), atomicfile.SyncDir(filepath.Dir(path))); err != nil {
		return fail(err)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return readSecrets(path)
	case err != nil:
		return fail(err)
	}
	return []secret{s}, nil
}
