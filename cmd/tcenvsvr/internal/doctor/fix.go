package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tcenvsvr/agent/provision"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

// Fix does what harms nobody: it closes the settings file to others, sets
// the host up as the package does, and makes the trust stores. It tells each change,
// and returns what could not be done.
func Fix(ctx context.Context, c Config, tell func(string)) error {
	var errs []error
	if info, err := os.Lstat(c.Paths.Settings); err == nil && info.Mode().IsRegular() && exposed(info.Mode().Perm()) {
		if err := os.Chmod(c.Paths.Settings, 0o600); err != nil {
			errs = append(errs, fmt.Errorf("closing the settings file to others: %w", err))
		} else {
			tell(fmt.Sprintf("%q has mode 0600, not %04o", c.Paths.Settings, info.Mode().Perm()))
		}
	}
	if os.Geteuid() == 0 {
		errs = append(errs, fixHost(ctx, c, tell))
	} else {
		errs = append(errs, fixStores(c, tell)) // root would make files that the agent cannot replace
	}
	return errors.Join(errs...)
}

func fixHost(ctx context.Context, c Config, tell func(string)) error {
	h := &provision.Host{Home: c.Paths.Home}
	err := h.Apply(ctx, false, func(r provision.Result) {
		for _, f := range r.Findings {
			if f.Fix != "" && !f.Note() {
				tell(fmt.Sprintf("%s: %s: %s", r.Step, f.Text, f.Fix))
			}
		}
	})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, provision.ErrDeviates) {
		return nil // what a person must do is in the report
	}
	return err
}

func fixStores(c Config, tell func(string)) error {
	s, _, err := settings.Load(settings.Options{File: c.Paths.Settings, Env: c.Environ})
	if err != nil {
		return nil // the report says so
	}
	if _, err := os.Stat(c.Paths.State); err != nil {
		return nil // not installed: there is nobody to trust for
	}
	if err := c.Paths.Create(); err != nil {
		return err
	}
	before, _ := os.Readlink(c.Paths.Trust + "/current")
	store := certs.New(certs.Config{Dir: c.Paths.Trust, Sources: daemon.TrustSources(c.Paths, s), Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	set, err := store.Current(ctx)
	if err != nil {
		return fmt.Errorf("making the trust stores: %w", err)
	}
	if after, _ := os.Readlink(c.Paths.Trust + "/current"); after != before {
		tell(fmt.Sprintf("trust stores made: %d CAs", set.Count))
	}
	return nil
}
