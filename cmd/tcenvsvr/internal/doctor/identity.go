package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/bundle"
	"tcenvsvr/agent/paths"
	"tcenvsvr/agent/settings"
)

// identity is the client certificate and the cloud's own CAs.
func identity(p paths.Paths, s settings.Settings) (tls.Certificate, []*x509.Certificate, error) {
	data, err := os.ReadFile(p.Keystore)
	if errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, nil, fmt.Errorf("there is no keystore %q", p.Keystore)
	}
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return bundle.Identity(data, s.KeystorePassword.Reveal())
}
