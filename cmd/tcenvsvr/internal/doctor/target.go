package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Config says what to examine.
type Config struct {
	Paths   paths.Paths
	Environ []string
	Version string
}

// target is what the checks examine. Everything that several of them need is loaded once. What
// could not be loaded is nil, and its error says why.
type target struct {
	Config
	settings    settings.Settings
	settingsErr error

	chain     *keychain.Keychain
	chainErr  error
	lockedErr error // why sealed secrets stay sealed

	identity    *identity.Identity
	identityErr error

	merged    *certs.Merged
	mergedErr error
	roots     *x509.CertPool

	dialer *proxy.Dialer

	status    controlapi.Status
	statusErr error
}

func newTarget(ctx context.Context, c Config) *target {
	t := &target{Config: c, roots: x509.NewCertPool()}
	t.load(ctx)
	t.loadIdentity()
	t.merged, t.mergedErr = parts.TrustSources(c.Paths, t.settings).Merge(time.Now())
	if t.merged != nil {
		for _, r := range t.merged.Roots {
			t.roots.AddCert(r.Cert)
		}
	}
	for _, ca := range t.cloudCAs() {
		t.roots.AddCert(ca)
	}
	var err error
	t.dialer, err = parts.Dialer(t.settings, func() (*tls.Config, error) {
		return &tls.Config{RootCAs: t.roots, MinVersion: tls.VersionTLS12}, nil
	})
	t.settingsErr = errors.Join(t.settingsErr, err)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	t.statusErr = control.Call(ctx, c.Paths.Control, "GET", "status", nil, &t.status)
	return t
}

// notEnrolled is the outcome of checks that need a cloud, where none is known; nil where one is.
func (t *target) notEnrolled() *outcome {
	s := skip("not enrolled")
	switch {
	case t.settingsErr != nil:
		s = skip("the settings are not valid")
	case t.settings.Enrolled() == nil:
		return nil
	}
	return &s
}

// existing is path, or the nearest folder above it that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
