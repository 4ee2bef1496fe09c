package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Settings loads the settings, with their secrets where the keychain can be opened without asking a
// person.
func Settings(ctx context.Context, c Config) (settings.Settings, error) {
	t := &target{Config: c}
	t.load(ctx)
	return t.settings, t.settingsErr
}

func (t *target) load(ctx context.Context) {
	t.settings, _, t.settingsErr = settings.Load(settings.Options{File: t.Paths.Settings, Keystore: t.Paths.Keystore, Env: t.Environ})
	if t.settingsErr != nil {
		// The other checks use the defaults then: a wrong setting must not hide a full disk.
		t.settings, _, _ = settings.Load(settings.Options{})
	}
	t.unlock(ctx)
}

// unlock opens the keychain as the service does, without asking a person, and loads the secrets of
// the settings where that works.
func (t *target) unlock(ctx context.Context) {
	t.chain, t.chainErr = keychain.Open(t.Paths.Keychain)
	if t.chainErr != nil || t.settingsErr != nil || !t.settings.Sealed() {
		return
	}
	getenv := func(name string) (value string) {
		for _, kv := range t.Environ {
			if text, ok := strings.CutPrefix(kv, name+"="); ok {
				value = text
			}
		}
		return value
	}
	_, password, err := masterkey.Unlock(ctx, t.chain, masterkey.Sources(masterkey.Config{File: t.settings.MasterKeyFile, Dir: t.Paths.State, Getenv: getenv}))
	clear(password)
	if err == nil {
		err = masterkey.Harden()
	}
	if err != nil {
		t.lockedErr = err
		return
	}
	opened, _, err := settings.Load(settings.Options{File: t.Paths.Settings, Keystore: t.Paths.Keystore, Env: t.Environ, Unseal: t.chain.Unseal})
	if err != nil {
		t.lockedErr = fmt.Errorf("opening secrets: %w", err)
		return
	}
	t.settings = opened
}

// loadIdentity loads the client certificate and the cloud's own CAs.
func (t *target) loadIdentity() {
	if t.settings.KeystorePassword.Sealed() {
		t.identityErr = keychain.ErrLocked
		return
	}
	t.identity, t.identityErr = parts.LoadIdentity(t.Paths, t.settings)
}

func (t *target) certificates() []tls.Certificate {
	if t.identity == nil {
		return nil
	}
	return []tls.Certificate{t.identity.Current()}
}

// cloudCAs are the cloud's own CAs.
func (t *target) cloudCAs() []*x509.Certificate {
	if t.identity == nil {
		return nil
	}
	return t.identity.CAs()
}
