package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/bundle"
	"tcenvsvr/agent/settings"
)

// identity loads the keystore: who we are, and the cloud's own CAs, which we
// trust besides the others.
func identity(keystore string, s settings.Settings) (tls.Certificate, []*x509.Certificate, error) {
	data, err := os.ReadFile(keystore)
	if errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, nil, fmt.Errorf("%w: there is no keystore %q", settings.ErrNotEnrolled, keystore)
	}
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("reading keystore: %w", err)
	}
	return bundle.Identity(data, s.KeystorePassword.Reveal())
}
