package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

const (
	version    = 1
	maxStored  = 64 << 10
	maxRetired = 32 // digests of older values of one file
	saltSize   = 16
)

// envelope is what the store has.
type envelope struct {
	Version    int    `json:"version"`
	Cloud      string `json:"cloud"`      // random name of the cloud
	Generation uint64 `json:"generation"` // 1, and one more with each change
	CA         string `json:"ca"`         // SHA-256 of the CA's certificate
	Secret     string `json:"secret"`     // id of the secret that sealed it
	Salt       []byte `json:"salt"`
	Sealed     []byte `json:"sealed"` // nonce and content
}

// content is what is sealed.
type content struct {
	Files map[string][]byte `json:"files"`
	// Retired are digests of what the files were before: a gateway that still has one of these is
	// of this cloud, and not of another.
	Retired map[string][]string `json:"retired,omitempty"`
}

var (
	errSecret = errors.New("it was sealed with another cluster secret")
	hexID     = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// decode reads an envelope strictly. Nothing of it is proven before open.
func decode(data []byte) (*envelope, error) {
	if len(data) > maxStored {
		return nil, fmt.Errorf("it has more than %d bytes", maxStored)
	}
	var e envelope
	if err := strict(data, &e); err != nil {
		return nil, err
	}
	switch {
	case e.Version != version:
		return nil, fmt.Errorf("it has version %d, and this program knows version %d", e.Version, version)
	case !hexID.MatchString(e.Cloud), !hexID.MatchString(e.CA), !hexID.MatchString(e.Secret), e.Generation == 0, len(e.Salt) != saltSize:
		return nil, errors.New("a field is not as this program writes it")
	}
	return &e, nil
}

func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errors.New("it is not as this program writes it") // the decoder's error may quote content
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// seal fills in what depends on the secret.
func (e *envelope) seal(c *content, s secret) error {
	plain, err := json.Marshal(c)
	if err != nil {
		return err
	}
	e.Secret, e.Salt = s.id(), make([]byte, saltSize)
	_, _ = rand.Read(e.Salt) // never fails, see crypto/rand
	aead, err := e.cipher(s)
	if err != nil {
		return err
	}
	e.Sealed = aead.Seal(nil, nil, plain, e.bound())
	return nil
}

// open returns the content, and which of the secrets sealed it.
func (e *envelope) open(secrets []secret) (*content, int, error) {
	for i, s := range secrets {
		if s.id() != e.Secret {
			continue
		}
		aead, err := e.cipher(s)
		if err != nil {
			return nil, 0, err
		}
		plain, err := aead.Open(nil, nil, e.Sealed, e.bound())
		if err != nil {
			return nil, 0, errors.New("it is damaged, or was written by somebody without the cluster secret")
		}
		c := new(content)
		if err := strict(plain, c); err != nil {
			return nil, 0, err
		}
		for name, k := range files {
			if len(c.Files[name]) == 0 && !k.optional {
				return nil, 0, fmt.Errorf("%q is not in it", name)
			}
		}
		return c, i, nil
	}
	return nil, 0, errSecret
}

func (e *envelope) cipher(s secret) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s[:], e.Salt, "tccloud cluster identity 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is authenticated together with the content.
func (e *envelope) bound() []byte {
	return fmt.Appendf(nil, "tccloud identity %d\n%s\n%d\n%s\n%s\n", e.Version, e.Cloud, e.Generation, e.CA, e.Secret)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
