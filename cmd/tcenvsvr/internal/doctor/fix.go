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

// FixHost sets the host up as the package does. Only root can: for others it does nothing. It
// reports each change, and its error says what could not be done.
func FixHost(ctx context.Context, c Config, report func(string)) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return fixHost(ctx, c, report)
}

// Fix makes the repairs that are always safe and need no root: it closes the settings file to
// others, and builds the trust stores. It reports each change.
func Fix(c Config, report func(string)) error {
	return errors.Join(fixMode(c, report), fixStores(c, report))
}

func fixMode(c Config, report func(string)) error {
	info, err := os.Lstat(c.Paths.Settings)
	if err != nil || !info.Mode().IsRegular() || !exposed(info.Mode().Perm()) {
		return nil // the checks report what is wrong with it
	}
	if err := os.Chmod(c.Paths.Settings, 0o600); err != nil {
		return fmt.Errorf("closing the settings file to others: %w", err)
	}
	report(fmt.Sprintf("%q has mode 0600, not %04o", c.Paths.Settings, info.Mode().Perm()))
	return nil
}

func fixHost(ctx context.Context, c Config, report func(string)) error {
	h := &setup.Host{Home: c.Paths.Home}
	err := h.Apply(ctx, false, func(r setup.Result) {
		for _, f := range r.Findings {
			if f.Fix != "" && !f.Note() {
				report(fmt.Sprintf("%s: %s: %s", r.Step, f.Text, f.Fix))
			}
		}
	})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, setup.ErrDeviates) {
		return nil // the checks report what a person must do
	}
	return err
}

func fixStores(c Config, report func(string)) error {
	s, _, err := settings.Load(settings.Options{File: c.Paths.Settings, Keystore: c.Paths.Keystore, Env: c.Environ})
	if err != nil {
		return nil // the checks report it
	}
	if _, err := os.Stat(c.Paths.State); err != nil {
		return nil // not installed: nothing needs trust stores
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
		report(fmt.Sprintf("trust stores made: %d CAs", set.Count))
	}
	return nil
}
