package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/cmd/internal/prompt"
)

// Password reads a password that comes from a file or the terminal, and never from the command line.
type Password struct {
	env  *Env
	file string
}

// Password adds --password-file to a command; its help says what kind of password it is.
func (e *Env) Password(c *cobra.Command, what string) *Password {
	p := &Password{env: e}
	c.Flags().StringVar(&p.file, "password-file", "", "file with "+what+", - is stdin (default: asked for on the terminal)")
	return p
}

// GivenByFile reports whether --password-file was given.
func (p *Password) GivenByFile() bool { return p.file != "" }

// New asks for a new password, twice on a terminal.
func (p *Password) New(ctx context.Context, question string) ([]byte, error) {
	if p.GivenByFile() {
		return p.fromFile()
	}
	first, err := ask(ctx, question)
	if err != nil {
		return nil, err
	}
	again, err := ask(ctx, "once more: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, again) {
		return nil, errors.New("the two passwords differ")
	}
	return notEmpty(first)
}

// SecretKey reads secret keys for commands that sign.
type SecretKey struct{ *Password }

// SecretKey adds --password-file to a command that signs.
func (e *Env) SecretKey(c *cobra.Command) *SecretKey {
	return &SecretKey{e.Password(c, "the key's password")}
}

// Read reads the secret key in a file. Only an encrypted one asks for a password.
func (k *SecretKey) Read(ctx context.Context, path string) (signature.SecretKey, error) {
	return signature.ReadSecretKey(path, func() ([]byte, error) {
		if k.GivenByFile() {
			return k.fromFile()
		}
		return ask(ctx, fmt.Sprintf("password of %s: ", path))
	})
}

// maxPassword bounds a password in bytes.
const maxPassword = 4096

func (p *Password) fromFile() ([]byte, error) {
	in := p.env.Stdin
	if p.file != "-" {
		f, err := os.Open(p.file)
		if err != nil {
			return nil, fmt.Errorf("reading the password: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPassword+2))
	if err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) > maxPassword || bytes.ContainsAny(text, "\n\x00") {
		return nil, fmt.Errorf("reading the password: it is not one line of at most %d bytes", maxPassword)
	}
	return notEmpty(text)
}

func notEmpty(password []byte) ([]byte, error) {
	if len(password) == 0 {
		return nil, errors.New("the password is empty")
	}
	return password, nil
}

func ask(ctx context.Context, question string) ([]byte, error) {
	p, done, err := prompt.Terminal()
	if err != nil {
		return nil, hinted{err, "give --password-file"}
	}
	defer done()
	text, err := p.Secret(ctx, question)
	return []byte(text), err
}

// hinted is an error with what to try.
type hinted struct {
	error
	try string
}

// Hint says what to try; see [Hint].
func (h hinted) Hint() string { return h.try }

// Unwrap returns the cause.
func (h hinted) Unwrap() error { return h.error }

// Try adds a hint to an error.
func Try(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}
