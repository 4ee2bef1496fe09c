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
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

// Config says whom to examine.
type Config struct {
	Paths   paths.Paths
	Environ []string
	Version string
}

// patient is what several checks need, looked up once. What could not be
// had is nil, and its error says why.
type patient struct {
	Config
	settings    settings.Settings
	settingsErr error

	chain     *keychain.Keychain
	chainErr  error
	lockedErr error // why sealed secrets stay sealed

	identity    *identity.Identity
	identityErr error

	harvest    *certs.Merged
	harvestErr error
	roots      *x509.CertPool

	dialer    *proxy.Dialer
	dialerErr error

	status    daemon.Status
	statusErr error
}

func newPatient(ctx context.Context, c Config) *patient {
	p := &patient{Config: c, roots: x509.NewCertPool()}
	p.load(ctx)
	p.identify()
	p.harvest, p.harvestErr = daemon.TrustSources(c.Paths, p.settings).Merge(time.Now())
	if p.harvest != nil {
		for _, r := range p.harvest.Roots {
			p.roots.AddCert(r.Cert)
		}
	}
	for _, ca := range p.cloudCAs() {
		p.roots.AddCert(ca)
	}
	p.dialer, p.dialerErr = daemon.Dialer(p.settings, func() (*tls.Config, error) {
		return &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12}, nil
	})
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	p.statusErr = control.Call(ctx, c.Paths.Control, "GET", "status", nil, &p.status)
	return p
}

// enrolled is a reason to skip what needs a cloud, nil where there is one.
func (p *patient) enrolled() *said {
	s := skip("not enrolled")
	switch {
	case p.settingsErr != nil:
		s = skip("the settings are not valid")
	case p.settings.Enrolled() == nil:
		return nil
	}
	return &s
}

// folder is path, or the nearest folder above it that exists.
func folder(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
