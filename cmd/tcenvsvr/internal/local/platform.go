package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/upstream"
)

// platform passes on what the App asks of its platform, and remembers what that was. It is ready once
// open was called, which is before the App starts.
type platform struct {
	*upstream.Upstream
	mu     sync.Mutex
	passed []upstream.Passed
}

// maxPassed bounds what is remembered; what comes later is counted by nobody.
const maxPassed = 10_000

// open makes the connection's parts: the agent's CAs count, and its proxy for ThreatConnect, unless
// others are given.
func (p *platform) open(r *Run, pem string) error {
	cfg := *r.Platform
	trusted, err := os.ReadFile(pem)
	if err != nil {
		return fmt.Errorf("reading the CAs for the platform: %w", err)
	}
	cfg.CA = append(append(cfg.CA, '\n'), trusted...)
	if cfg.Proxy == nil && r.Settings.ProxyTC {
		cfg.Proxy = r.Settings.ProxyURL()
	}
	cfg.Passed = func(_ context.Context, _ string, x upstream.Passed) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.passed) < maxPassed {
			p.passed = append(p.passed, x)
		}
	}
	p.Upstream, err = upstream.New(cfg)
	return err
}

// serve answers the App, see [api.Config].Platform.
func (p *platform) serve(w http.ResponseWriter, r *http.Request, s api.Session) {
	p.Serve(w, r, s.ID)
}

// requests are what was passed on; with an error if the platform did not take the credentials.
func (p *platform) requests() ([]upstream.Passed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.passed {
		if x.Status == http.StatusUnauthorized {
			return p.passed, errors.New("the platform did not take the credentials: they are wrong, or this host's clock is")
		}
	}
	return p.passed, nil
}
