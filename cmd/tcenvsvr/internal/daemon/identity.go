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
// trust besides the system's roots.
func identity(keystore string, s settings.Settings) (*tls.Config, []*x509.Certificate, error) {
	data, err := os.ReadFile(keystore)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: there is no keystore %q", settings.ErrNotEnrolled, keystore)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading keystore: %w", err)
	}
	cert, cas, err := bundle.Identity(data, s.KeystorePassword.Reveal())
	if err != nil {
		return nil, nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // e.g. no ca-certificates: the cloud's own CA is enough
	}
	for _, ca := range cas {
		roots.AddCert(ca)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, MinVersion: tls.VersionTLS12}, cas, nil
}
