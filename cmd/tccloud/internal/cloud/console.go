package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/console"
	"tcenvsvr/cmd/tccloud/internal/console/session"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openConsole makes the web console. It asks the API in this process.
func openConsole(ctx context.Context, cfg Config, st *store.Store, c *cloud, p *ports) error {
	kv, err := st.KV(ctx, session.Bucket, store.KVOptions{TTL: session.Life})
	if err != nil {
		return err
	}
	log := cfg.Logger.With("component", "console")
	signOn, err := openSignOn(cfg.SignOn, p.publicURL, log)
	if err != nil {
		return err
	}
	c.console, err = console.New(console.Config{
		API: c.api.AdminHandler(), Accounts: c.users, Sessions: session.NewStore(kv), SignOn: signOn, Version: cfg.Version, Logger: log,
	})
	return err
}

// openSignOn returns the provider of single sign-on, nil if there is none.
func openSignOn(cfg *sso.Config, publicURL string, log *slog.Logger) (*sso.Provider, error) {
	if cfg == nil {
		return nil, nil
	}
	own := *cfg
	own.Logger = log
	if own.RedirectURL == "" {
		own.RedirectURL = publicURL + sso.CallbackPath
	}
	p, err := sso.New(own)
	if err != nil {
		return nil, fmt.Errorf("setting up single sign-on: %w", err)
	}
	log.Info("single sign-on is set up; the provider must know the redirect URL", "issuer", own.Issuer, "redirect_url", own.RedirectURL)
	return p, nil
}

// consoleOf is the console for the two ports, which are opened before there is one and serve after.
func consoleOf(c *cloud) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.console.ServeHTTP(w, r) })
}
