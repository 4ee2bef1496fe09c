package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/plainfile"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// NewPassword gets the master password of a new keychain: from file, from where the service would
// find it, from the system's protection where there is one, or typed twice. path is the absolute
// path of file, which the service has to know, and "" for the other sources.
func NewPassword(ctx context.Context, e *env.Env, p paths.Paths, s settings.Settings, file string) (password []byte, path string, err error) {
	if file != "" {
		if path, err = filepath.Abs(file); err != nil {
			return nil, "", err
		}
		password, err = e.MasterKey(path)
		return password, path, err
	}
	_, password, err = masterkey.First(ctx, masterkey.Sources(masterkey.Config{File: s.MasterKeyFile, Dir: p.State, Getenv: e.Getenv}))
	if err == nil || !errors.Is(err, keychain.ErrLocked) {
		return password, "", err
	}
	password, err = masterkey.Generate(p.State) // where the system protects it, nobody has to know it
	if err == nil || !errors.Is(err, errors.ErrUnsupported) {
		return password, "", err
	}
	password, err = typeTwice(ctx, e)
	return password, "", err
}

// ServiceReads reports whether the service can read the master password from the file at path. If
// not, it prints what to do: root may have named a file that only root can read.
func ServiceReads(e *env.Env, path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|plainfile.NoWait, 0)
	if err != nil {
		fmt.Fprintf(e.Stderr, "the service cannot read %q and will be locked when it starts, until \"tcenvsvr keychain unlock\"\n"+
			"hint: give the file to the agent's user, mode 0600, and run: tcenvsvr settings set masterKeyFile=%s\n", path, path)
		return false
	}
	return f.Close() == nil
}

// typeTwice asks for a new master password on the terminal until two entries are equal.
func typeTwice(ctx context.Context, e *env.Env) ([]byte, error) {
	terminal, done, err := e.Terminal()
	if err != nil {
		return nil, fmt.Errorf("%w: this host has none yet, its first master password is needed, and there is no terminal to ask for it\nhint: give --master-key-file FILE, or run this in a terminal", keychain.ErrMissing)
	}
	defer done()
	fmt.Fprintln(terminal.Out, "Choose a master password. It seals this server's secrets and cannot be recovered: keep it safe.")
	for {
		first, err := terminal.Secret(ctx, "New master password: ")
		if err != nil {
			return nil, fmt.Errorf("asking for a master password: %w", err)
		}
		if err := keychain.CheckPassword([]byte(first)); err != nil {
			fmt.Fprintln(terminal.Out, err)
			continue
		}
		again, err := terminal.Secret(ctx, "The same again: ")
		if err != nil {
			return nil, fmt.Errorf("asking for a master password: %w", err)
		}
		if first == again {
			return []byte(first), nil
		}
		fmt.Fprintln(terminal.Out, "They differ.")
	}
}

// MasterKeyFlag gives c the flag --master-key-file.
func MasterKeyFlag(e *env.Env, c *cobra.Command, file *string) {
	e.Reads(c, func([]string) []string { return []string{*file} })
	c.Flags().StringVar(file, "master-key-file", "", "file with the master password alone, readable by its owner only")
}
