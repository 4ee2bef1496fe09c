package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Settings loads the settings, with their secrets where the keychain can
// be opened without asking anybody.
func Settings(ctx context.Context, c Config) (settings.Settings, error) {
	p := &patient{Config: c}
	p.load(ctx)
	return p.settings, p.settingsErr
}

func (p *patient) load(ctx context.Context) {
	p.settings, _, p.settingsErr = settings.Load(settings.Options{File: p.Paths.Settings, Keystore: p.Paths.Keystore, Env: p.Environ})
	if p.settingsErr != nil {
		// What the rest needs is best taken from the defaults: a wrong key must not hide a full disk.
		p.settings, _, _ = settings.Load(settings.Options{})
	}
	p.unlock(ctx)
}

// unlock opens the keychain as the service would, without asking anybody.
// Where it can, the settings get their secrets.
func (p *patient) unlock(ctx context.Context) {
	p.chain, p.chainErr = keychain.Open(p.Paths.Keychain)
	if p.chainErr != nil || p.settingsErr != nil || !p.settings.Sealed() {
		return
	}
	getenv := func(name string) (value string) {
		for _, kv := range p.Environ {
			if text, ok := strings.CutPrefix(kv, name+"="); ok {
				value = text
			}
		}
		return value
	}
	_, password, err := masterkey.Unlock(ctx, p.chain, masterkey.Sources(masterkey.Config{File: p.settings.MasterKeyFile, Dir: p.Paths.State, Getenv: getenv}))
	clear(password)
	if err == nil {
		err = masterkey.Harden()
	}
	if err != nil {
		p.lockedErr = err
		return
	}
	opened, _, err := settings.Load(settings.Options{File: p.Paths.Settings, Keystore: p.Paths.Keystore, Env: p.Environ, Unseal: p.chain.Unseal})
	if err != nil {
		p.lockedErr = fmt.Errorf("opening secrets: %w", err)
		return
	}
	p.settings = opened
}

// locked says how it stands with the keychain's password.
func (p *patient) locked() said {
	switch {
	case p.lockedErr == nil:
		return ok("there is one, and the secrets in the settings can be opened")
	case errors.Is(p.lockedErr, keychain.ErrLocked):
		return ok("secrets are sealed; this command has not the master password, so some checks are skipped")
	}
	return fail(`see "tcenvsvr keychain status"; masterKeyFile must hold the master password and be readable to the agent alone`, "%s", oneLine(p.lockedErr))
}

// identify loads the client certificate and the cloud's own CAs.
func (p *patient) identify() {
	if p.settings.KeystorePassword.Sealed() {
		p.identityErr = keychain.ErrLocked
		return
	}
	p.identity, p.identityErr = parts.LoadIdentity(p.Paths, p.settings)
}

func (p *patient) certificates() []tls.Certificate {
	if p.identity == nil {
		return nil
	}
	return []tls.Certificate{p.identity.Current()}
}

// cloudCAs are the cloud's own.
func (p *patient) cloudCAs() []*x509.Certificate {
	if p.identity == nil {
		return nil
	}
	return p.identity.CAs()
}
