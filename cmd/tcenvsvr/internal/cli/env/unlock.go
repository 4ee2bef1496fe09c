package env

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/term"

	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
)

// Sealer returns the function that seals secrets of this home, nil if the home has no keychain. The
// function asks for the master password when it seals its first secret, so a change without secrets
// needs no password.
func (e *Env) Sealer(ctx context.Context) (settings.SealFunc, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	chain, err := keychain.Open(p.Keychain)
	if errors.Is(err, keychain.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unlock := sync.OnceValue(func() error { _, err := e.Unlock(ctx, chain, ""); return err })
	return func(name, plain string) (string, error) {
		if err := unlock(); err != nil {
			return "", err
		}
		return chain.Seal(name, plain)
	}, nil
}

// tries is how often the master password may be mistyped.
const tries = 3

// Unlock opens the keychain and returns the master password: the one in file if that is not "",
// else the one that the service would find, else one typed on the terminal.
func (e *Env) Unlock(ctx context.Context, chain *keychain.Keychain, file string) ([]byte, error) {
	if file != "" {
		password, err := e.MasterKey(file)
		if err == nil {
			err = chain.Unlock(password)
		}
		return password, err
	}
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ})
	if err != nil {
		return nil, err
	}
	_, password, err := masterkey.Unlock(ctx, chain, masterkey.Sources(masterkey.Config{
		File: s.MasterKeyFile, Dir: p.State, Getenv: e.Getenv,
	}))
	if err == nil {
		return password, nil
	}
	terminal, done, noTerminal := e.Terminal()
	if noTerminal != nil {
		if errors.Is(err, keychain.ErrLocked) {
			err = fmt.Errorf("%w, and there is no terminal to ask for the master password\nhint: give --master-key-file, set masterKeyFile, or run this in a terminal", err)
		}
		return nil, err
	}
	defer done()
	for range tries {
		var text string
		if text, err = terminal.Secret(ctx, "Master password: "); err != nil {
			return nil, fmt.Errorf("asking for the master password: %w", err)
		}
		if err = chain.Unlock([]byte(text)); !errors.Is(err, keychain.ErrWrongPassword) {
			return []byte(text), err
		}
		fmt.Fprintln(terminal.Out, "This is not the master password.")
	}
	return nil, err
}

// AskMasterPassword returns a function that asks for the master password, nil if standard input is
// no terminal.
func (e *Env) AskMasterPassword() func(context.Context) ([]byte, error) {
	if in, ok := e.Stdin.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		terminal, done, err := e.Terminal()
		if err != nil {
			return nil, err
		}
		defer done()
		text, err := terminal.Secret(ctx, "Master password: ")
		return []byte(text), err
	}
}
