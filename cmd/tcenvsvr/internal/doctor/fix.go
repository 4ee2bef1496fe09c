package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// FixHost sets the host up as the package does, which only root can; for
// others it does nothing. It tells each change, and returns what could not be done.
func FixHost(ctx context.Context, c Config, tell func(string)) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return fixHost(ctx, c, tell)
}

// Fix does what harms nobody and needs no root: it closes the settings
// file to others, and makes the trust stores.
func Fix(c Config, tell func(string)) error {
	return errors.Join(fixMode(c, tell), fixStores(c, tell))
}

func fixMode(c Config, tell func(string)) error {
	info, err := os.Lstat(c.Paths.Settings)
	if err != nil || !info.Mode().IsRegular() || !exposed(info.Mode().Perm()) {
		return nil // what is wrong with it, the report says
	}
	if err := os.Chmod(c.Paths.Settings, 0o600); err != nil {
		return fmt.Errorf("closing the settings file to others: %w", err)
	}
	tell(fmt.Sprintf("%q has mode 0600, not %04o", c.Paths.Settings, info.Mode().Perm()))
	return nil
}

func fixHost(ctx context.Context, c Config, tell func(string)) error {
	h := &setup.Host{Home: c.Paths.Home}
	err := h.Apply(ctx, false, func(r setup.Result) {
		for _, f := range r.Findings {
			if f.Fix != "" && !f.Note() {
				tell(fmt.Sprintf("%s: %s: %s", r.Step, f.Text, f.Fix))
			}
		}
	})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, setup.ErrDeviates) {
		return nil // what a person must do is in the report
	}
	return err
}

func fixStores(c Config, tell func(string)) error {
	s, _, err := settings.Load(settings.Options{File: c.Paths.Settings, Keystore: c.Paths.Keystore, Env: c.Environ})
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
	store := certs.New(certs.Config{Dir: c.Paths.Trust, Sources: parts.TrustSources(c.Paths, s), Logger: slog.New(slog.DiscardHandler)})
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
