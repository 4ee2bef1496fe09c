package repository

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Key is a private key that signs for one or more roles.
type Key struct {
	ID     string // as root.json has it
	public *metadata.Key
	signer signature.Signer
}

// NewKey makes a P-256 key and stores it in file, readable by its owner only. It does not replace
// an existing file.
func NewKey(file string) (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("making a key: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Key{}, fmt.Errorf("storing a key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return Key{}, fmt.Errorf("storing key %q: %w", file, err)
	}
	return newKey(private)
}

// ReadKey reads a PKCS#8 PEM file with an ECDSA key.
func ReadKey(file string) (Key, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Key{}, fmt.Errorf("reading key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return Key{}, fmt.Errorf("reading key %q: it is no PEM file", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("reading key %q: it is no PKCS#8 private key", file) // quotes nothing of it
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return Key{}, fmt.Errorf("reading key %q: want an ECDSA key on P-256", file)
	}
	return newKey(private)
}

// ReadKeys reads every *.pem file of a folder.
func ReadKeys(dir string) ([]Key, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading keys of %q: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("reading keys of %q: there is no .pem file", dir)
	}
	keys := make([]Key, 0, len(files))
	for _, file := range files {
		k, err := ReadKey(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func newKey(private *ecdsa.PrivateKey) (Key, error) {
	public, err := metadata.KeyFromPublicKey(private.Public())
	if err != nil {
		return Key{}, fmt.Errorf("reading key: %w", err)
	}
	id, err := public.ID()
	if err != nil {
		return Key{}, fmt.Errorf("reading key: %w", err)
	}
	signer, err := signature.LoadSigner(private, crypto.SHA256)
	if err != nil {
		return Key{}, fmt.Errorf("reading key: %w", err)
	}
	return Key{id, public, signer}, nil
}
