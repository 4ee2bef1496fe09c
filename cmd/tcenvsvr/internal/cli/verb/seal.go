package verb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"tcenvsvr/agent/keychain"
	"tcenvsvr/agent/privatefile"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/prompt"
)

// Sealer returns what seals secrets of this home, nil where it has no
// keychain. The master password is asked for when the first secret is to be
// sealed: who changes no secret needs none.
func (e *Env) Sealer(ctx context.Context) (settings.SealFunc, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	chain, err := keychain.Open(filepath.Join(p.State, "keychain.json"))
	if errors.Is(err, keychain.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unlock := sync.OnceValue(func() error { return e.unlock(ctx, chain, p.Settings) })
	return func(name, plain string) (string, error) {
		if err := unlock(); err != nil {
			return "", err
		}
		return chain.Seal(name, plain)
	}, nil
}

// unlock takes the master password from masterKeyFile, or asks.
func (e *Env) unlock(ctx context.Context, chain *keychain.Keychain, file string) error {
	s, _, err := settings.Load(settings.Options{File: file, Env: e.Environ})
	if err != nil {
		return err
	}
	if s.MasterKeyFile != "" {
		text, err := privatefile.Read(s.MasterKeyFile, settings.MaxText)
		if err != nil {
			return fmt.Errorf("reading the master password: %w", err)
		}
		return chain.Unlock([]byte(strings.TrimRight(string(text), "\r\n")))
	}
	terminal, done, err := prompt.Terminal()
	if err != nil {
		return fmt.Errorf("%w and there is no terminal to ask for the master password\nhint: set masterKeyFile, or run this in a terminal", keychain.ErrLocked)
	}
	defer done()
	password, err := terminal.Secret(ctx, "Master password: ")
	if err != nil {
		return fmt.Errorf("asking for the master password: %w", err)
	}
	return chain.Unlock([]byte(password))
}
