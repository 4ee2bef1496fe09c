package keychain

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"strings"
)

// How a sealed value is written.
const (
	sealedBegin = "ENC["
	sealedEnd   = "]"
)

// overhead is what sealing adds: nonce and tag.
const overhead = 12 + 16

// IsSealed reports whether a value has the form of a sealed one.
func IsSealed(value string) bool {
	return strings.HasPrefix(value, sealedBegin) && strings.HasSuffix(value, sealedEnd)
}

// Seal returns the sealed form of a setting's value.
func (k *Keychain) Seal(setting, plain string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.data == nil {
		return "", fmt.Errorf("sealing setting %q: %w", setting, ErrLocked)
	}
	box, err := seal(k.data, []byte(plain), about(setting))
	if err != nil {
		return "", fmt.Errorf("sealing setting %q: %w", setting, err)
	}
	return sealedBegin + base64.StdEncoding.EncodeToString(box) + sealedEnd, nil
}

// Unseal returns the value that Seal sealed for this setting.
func (k *Keychain) Unseal(setting, sealed string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.data == nil {
		return "", fmt.Errorf("reading setting %q: %w", setting, ErrLocked)
	}
	var plain []byte
	text := strings.TrimSuffix(strings.TrimPrefix(sealed, sealedBegin), sealedEnd)
	box, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil {
		plain, err = open(k.data, box, about(setting))
	}
	if err != nil || !IsSealed(sealed) {
		return "", fmt.Errorf("reading setting %q: %w, or cut off\nhint: set it again, or enroll again with --replace", setting, ErrForeign)
	}
	return string(plain), nil
}

func about(setting string) []byte { return []byte(format + " setting " + setting) }

// seal encrypts with a random nonce, which the module itself must make under FIPS 140. A data key
// seals a few secrets a year, far below the 2³² that are safe.
func seal(key, plain, about []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, about), nil
}

func open(key, box, about []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, box, about)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
