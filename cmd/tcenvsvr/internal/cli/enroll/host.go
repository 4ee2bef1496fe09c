package enroll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/journal"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	keychaincmd "tcenvsvr/cmd/tcenvsvr/internal/cli/keychain"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// host is this host as it is before something changes.
type host struct {
	enroll.Current
	env      *env.Env
	paths    paths.Paths
	chain    *keychain.Keychain // nil where there is none
	password []byte             // of a keychain that is to be made
	unusable error              // why there is no Identity though there is a keystore
}

// look reads the settings and the keychain of the host, with secrets as far as they are not sealed.
func (h *host) look(e *env.Env) (err error) {
	h.env = e
	if h.paths, err = e.Paths(); err != nil {
		return err
	}
	if err := env.CheckOwner(h.paths.State); err != nil {
		return err
	}
	h.chain, err = keychain.Open(h.paths.Keychain)
	if err != nil && !errors.Is(err, keychain.ErrMissing) {
		return err
	}
	h.Load = settings.Options{File: h.paths.Settings, Env: e.Environ}
	h.Settings, _, err = settings.Load(h.Load)
	return err
}

// unlock opens the keychain, if there is one, and all that it seals. Only the first call does
// anything.
func (h *host) unlock(ctx context.Context, file string) (err error) {
	if h.Load.Unseal != nil {
		return nil
	}
	if h.chain == nil {
		if lost := keychaincmd.SealedSettings(h.Settings); lost != nil {
			return fmt.Errorf("%w, and it sealed %s\nhint: restore %q from a backup, or give them up with \"tcenvsvr keychain init --replace\"",
				keychain.ErrMissing, strings.Join(lost, ", "), h.paths.Keychain)
		}
	} else {
		password, err := h.env.Unlock(ctx, h.chain, file)
		if err != nil {
			keychaincmd.RecordRefusal(h.paths, "enroll", err)
			return err
		}
		clear(password)
		if err := masterkey.Harden(); err != nil {
			return err
		}
		h.Load.Unseal = h.chain.Unseal
		if h.Settings, _, err = settings.Load(h.Load); err != nil {
			return err
		}
	}
	h.Identity, err = parts.LoadIdentity(h.paths, h.Settings)
	switch {
	case errors.Is(err, settings.ErrNotEnrolled): // there is none
		return nil
	case errors.Is(err, os.ErrPermission):
		return err
	}
	h.unusable = err // which counts as none where another one is to take its place
	return nil
}

// prepareKeychain gets the master password if a keychain has to be made.
func (h *host) prepareKeychain(ctx context.Context, file string, plan *enroll.Plan) error {
	if h.chain != nil {
		if path, err := filepath.Abs(file); err == nil && file != "" && path != h.Settings.MasterKeyFile && keychaincmd.ServiceReads(h.env, path) {
			plan.KeepMasterKey(path) // it opened the keychain: the service may use it too
		}
		return nil
	}
	var path string
	var err error
	if h.password, path, err = keychaincmd.NewPassword(ctx, h.env, h.paths, h.Settings, file); err != nil {
		return err
	}
	if path != "" && path != h.Settings.MasterKeyFile && keychaincmd.ServiceReads(h.env, path) {
		plan.KeepMasterKey(path)
	}
	return keychain.CheckPassword(h.password)
}

// store commits the plan, and makes the keychain first where there is none.
func (h *host) store(plan *enroll.Plan) (err error) {
	if err := h.paths.Create(); err != nil {
		return err
	}
	store := func(seal settings.SealFunc) error { return plan.Commit(h.paths.Settings, h.paths.Keystore, seal) }
	if h.chain != nil {
		return store(h.chain.Seal)
	}
	if h.chain, err = keychaincmd.Create(h.paths, h.password, store); err != nil {
		return err
	}
	audit.Open(h.paths.Audit).Record(audit.KeychainCreated)
	return nil
}

// dialing returns how to reach the cloud with these settings. It trusts the CAs that the service
// will trust, with cas as the cloud's own: those of an earlier cloud do not count.
func (h *host) dialing(s settings.Settings, cas []*x509.Certificate) (enroll.Route, error) {
	sources := parts.TrustSources(h.paths, s)
	sources.Cloud = ""
	found, err := sources.Merge(time.Now())
	if err != nil {
		return enroll.Route{}, err
	}
	roots := x509.NewCertPool()
	for _, ca := range append(found.Certs(), cas...) {
		roots.AddCert(ca)
	}
	dialer, err := parts.Dialer(s, func() (*tls.Config, error) { return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil })
	return enroll.Route{Roots: roots, Dialer: dialer, Version: build.Version()}, err
}

// running reports whether the service runs.
func (h *host) running(ctx context.Context) bool {
	return control.Call(ctx, h.paths.Control, "GET", "status", nil, nil) == nil
}

// unreported counts the orders and results of this host that the cloud does not have yet.
func (h *host) unreported(ctx context.Context) (int, error) {
	var s controlapi.Status
	err := control.Call(ctx, h.paths.Control, "GET", "status", nil, &s)
	if err == nil && s.Locked == "" {
		return s.Active + s.Outbox, nil
	}
	if _, err := os.Stat(h.paths.Journal); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	j, err := journal.Open(h.paths.Journal, nil)
	if err != nil {
		return 0, fmt.Errorf("looking for what is not reported yet: %w", err)
	}
	return len(j.Entries()), j.Close()
}

var errNoTerminal = cli.Usage("there is no terminal to ask whether this is wanted: give --yes")

// confirm asks the question on the terminal, unless yes is set.
func (h *host) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	terminal, done, err := h.env.Terminal()
	if err != nil {
		return errNoTerminal
	}
	defer done()
	answer, err := terminal.Line(ctx, question+" [y/N] ")
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was changed: it was not confirmed")
	}
	return nil
}
