package pgp

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// bits is lowered by tests, which make many keys.
var bits = 4096

// ErrPassphrase means that the key is locked by another passphrase.
var ErrPassphrase = errors.New("the passphrase does not open the key")

// A Key signs with the time that [Key.At] gave it.
type Key struct {
	entity *openpgp.Entity
	at     time.Time
}

// New makes a key for name and email.
func New(name, email string, now time.Time) (*Key, error) {
	e, err := openpgp.NewEntity(name, "", email, config(now))
	if err != nil {
		return nil, fmt.Errorf("making a key for %q: %w", email, err)
	}
	e.Subkeys = nil // one for encryption, which nobody needs
	return &Key{entity: e, at: now}, nil
}

// Read reads an armored private key. passphrase is "" for a key without one. The error is
// [ErrPassphrase] for another passphrase.
func Read(r io.Reader, passphrase []byte) (*Key, error) {
	keys, err := openpgp.ReadArmoredKeyRing(r)
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	if len(keys) != 1 || keys[0].PrivateKey == nil {
		return nil, fmt.Errorf("reading the key: want one private key in the file; it has %d keys, or only the public half", len(keys))
	}
	e := keys[0]
	if e.PrivateKey.Encrypted {
		if err := e.DecryptPrivateKeys(passphrase); err != nil {
			return nil, ErrPassphrase
		}
	}
	return &Key{entity: e, at: e.PrimaryKey.CreationTime}, nil
}

// WritePrivate writes the armored private key, locked with passphrase. k stays usable.
func (k *Key) WritePrivate(w io.Writer, passphrase []byte) error {
	if len(passphrase) > 0 {
		if err := k.entity.EncryptPrivateKeys(passphrase, config(k.at)); err != nil {
			return fmt.Errorf("locking the key: %w", err)
		}
	}
	err := armored(w, openpgp.PrivateKeyType, func(w io.Writer) error {
		return k.entity.SerializePrivateWithoutSigning(w, nil)
	})
	if len(passphrase) > 0 {
		err = errors.Join(err, k.entity.DecryptPrivateKeys(passphrase))
	}
	return err
}

// Public returns the armored public key, which hosts import.
func (k *Key) Public() ([]byte, error) {
	var out bytes.Buffer
	err := armored(&out, openpgp.PublicKeyType, k.entity.Serialize)
	return out.Bytes(), err
}

// At returns the same key for signatures of the time t, or of the key's creation where that is
// later: nothing accepts a signature that is older than its key.
func (k *Key) At(t time.Time) *Key {
	if born := k.entity.PrimaryKey.CreationTime; t.Before(born) {
		t = born
	}
	return &Key{entity: k.entity, at: t}
}

// Fingerprint returns the fingerprint, which people compare.
func (k *Key) Fingerprint() string { return fmt.Sprintf("%X", k.entity.PrimaryKey.Fingerprint) }

// Sign returns a detached binary signature, as rpm needs it.
func (k *Key) Sign(message io.Reader) ([]byte, error) {
	var out bytes.Buffer
	if err := openpgp.DetachSign(&out, k.entity, message, config(k.at)); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return out.Bytes(), nil
}

// SignArmored returns a detached armored signature, as files named .asc hold it.
func (k *Key) SignArmored(message io.Reader) ([]byte, error) {
	signature, err := k.Sign(message)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = armored(&out, openpgp.SignatureType, func(w io.Writer) error {
		_, err := w.Write(signature)
		return err
	})
	return out.Bytes(), err
}

func armored(w io.Writer, kind string, write func(io.Writer) error) error {
	out, err := armor.Encode(w, kind, nil)
	if err != nil {
		return err
	}
	if err := write(out); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

func config(now time.Time) *packet.Config {
	salted := false
	return &packet.Config{
		Algorithm:   packet.PubKeyAlgoRSA,
		RSABits:     bits,
		DefaultHash: crypto.SHA512,
		Time:        func() time.Time { return now },

		NonDeterministicSignaturesViaNotation: &salted,
		// Old versions of rpm refuse critical subpackets.
		InsecureGenerateNonCriticalKeyFlags: true,
	}
}
