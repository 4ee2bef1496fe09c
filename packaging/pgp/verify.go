package pgp

import (
	"crypto"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Keys are the public keys that a signature may be of.
type Keys = openpgp.EntityList

// ReadPublic reads armored public keys.
func ReadPublic(r io.Reader) (Keys, error) {
	keys, err := openpgp.ReadArmoredKeyRing(r)
	if err != nil {
		return nil, fmt.Errorf("reading public keys: %w", err)
	}
	return keys, nil
}

// Verify checks a detached armored signature. It accepts only SHA-256 and SHA-512.
func Verify(keys Keys, message, signature io.Reader) error {
	_, err := openpgp.CheckArmoredDetachedSignature(keys, message, signature, &packet.Config{
		RejectHashAlgorithms:        weak,
		RejectMessageHashAlgorithms: weak,
		MinRSABits:                  uint16(min(bits, 3072)),
	})
	if err != nil {
		return fmt.Errorf("verifying the signature: %w", err)
	}
	return nil
}

var weak = map[crypto.Hash]bool{crypto.MD5: true, crypto.SHA1: true, crypto.RIPEMD160: true}
