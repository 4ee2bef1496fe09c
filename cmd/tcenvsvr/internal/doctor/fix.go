package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"time"

	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// FixHost sets the host up as the package does. Only root can: for others it does nothing. Before it
// changes anything it shows confirm what it will change, and does nothing if that returns an error.
// It reports each change, and its error says what could not be done.
func FixHost(ctx context.Context, c Config, confirm func(changes []string) error, report func(string)) error {
	if os.Geteuid() != 0 {
		return nil
	}
	h := &setup.Host{Home: c.Paths.Home}
	planned, err := changes(func(to func(setup.Result)) error { return h.Apply(ctx, true, to) })
	if err != nil || len(planned) == 0 {
		return unfixed(err)
	}
	if err := installed(c.Paths.Home); err != nil {
		return err
	}
	if err := confirm(planned); err != nil {
		return err
	}
	made, err := changes(func(to func(setup.Result)) error { return h.Apply(ctx, false, to) })
	for _, change := range made {
		report(change)
	}
	return unfixed(err)
}

// installed refuses a home that this host's users were not made for: setting the host up for it
// would take the host from the installation that there is.
func installed(home string) error {
	own := layout.Home
	if u, err := user.Lookup(layout.Agent); err == nil && u.HomeDir != "" {
		own = u.HomeDir
	}
	if home == own || home == layout.Home {
		return nil
	}
	return fmt.Errorf("setting up the host: %q is not this host's installation, which is %q\nhint: leave out --home (or TCENVSVR_HOME); to make it the one: \"tcenvsvr --home %s host apply\"", home, own, home)
}

// changes are what a run of the host's setup does, or would do.
func changes(run func(func(setup.Result)) error) (list []string, err error) {
	err = run(func(r setup.Result) {
		for _, f := range r.Findings {
			if f.Fix != "" && !f.Note() {
				list = append(list, fmt.Sprintf("%s: %s: %s", r.Step, f.Text, f.Fix))
			}
		}
	})
	return list, err
}

// unfixed is err without what the checks report: what a person must do.
func unfixed(err error) error {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, setup.ErrDeviates) {
		return nil
	}
	return err
}

// Fix makes the repairs that are always safe and need no root: it closes the agent's own files to
// others, and builds the trust stores. It reports each change.
func Fix(c Config, report func(string)) error {
	return errors.Join(fixModes(c, report), fixStores(c, report))
}

// fixModes closes the files that the agent refuses where others may read or write them.
func fixModes(c Config, report func(string)) error {
	errs := []error{fixMode(c.Paths.Settings, exposed, report)}
	for _, path := range []string{c.Paths.Keychain, c.Paths.Keystore, identity.Renewed(c.Paths.Keystore)} {
		errs = append(errs, fixMode(path, open, report))
	}
	return errors.Join(errs...)
}

func fixMode(path string, wrong func(fs.FileMode) bool, report func(string)) error {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || !wrong(info.Mode().Perm()) {
		return nil // the checks report what is wrong with it
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("closing a file to others: %w", err)
	}
	report(fmt.Sprintf("%q has mode 0600, not %04o: regard what was in it as known to others", path, info.Mode().Perm()))
	return nil
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
