package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// System returns the host's public roots. errors.ErrUnsupported: this
// system does not keep them in a file.
func System() ([]*x509.Certificate, error) {
	for _, file := range systemFiles {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the host's trusted CAs: %w", err)
		}
		if certs, _ := ParsePEM(text); len(certs) > 0 {
			return certs, nil
		}
	}
	return nil, fmt.Errorf("reading the host's trusted CAs: %w: none of %q is there", errors.ErrUnsupported, systemFiles)
}
