package env

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env/prompt"
)

// RunAs says whom a command becomes when root started it.
type RunAs int

// Whom a command becomes.
const (
	// State: whoever owns HOME/.tcenvsvr, the agent's user. What works on
	// settings, keys, logs, trust and orders is this.
	StateOwner RunAs = iota
	// Home: whoever owns HOME itself. That stays root where the package, or root,
	// made it; the programs of updates and interpreters lie there.
	HomeOwner
	// Root: it stays root, and may touch what lies below HOME only through
	// packages that follow no links, or by AsOwner.
	StayRoot
)

// Become makes a process of root that runs c the owner of what c works on. For
// others than root it does nothing.
func (e *Env) Become(c *cobra.Command, args []string, as RunAs) error {
	e.guardTerminal()
	u, err := e.owner(as)
	if err != nil || u == nil {
		return err
	}
	f := e.declared(c)
	for _, n := range f.reads {
		if err := e.open(u.Open, n(args)); err != nil {
			return err
		}
	}
	for _, n := range f.makes {
		if err := e.open(u.Create, n(args)); err != nil {
			return err
		}
	}
	return e.drop(u)
}

// BecomeOwner is Become with State for a command that had to do something as root first.
func (e *Env) BecomeOwner() error {
	u, err := e.owner(StateOwner)
	if err != nil || u == nil {
		return err
	}
	return e.drop(u)
}

func (e *Env) drop(u *become.User) (err error) {
	if e.terminal, err = u.Drop(); err != nil {
		return err
	}
	e.Became = u.Name
	e.Environ = u.Environ(e.Environ)
	return nil
}

// guardTerminal keeps what lesser users wrote from acting on root's terminal, also by
// way of commands that stay root and of errors.
func (e *Env) guardTerminal() {
	if os.Geteuid() != 0 {
		return
	}
	for _, out := range []*io.Writer{&e.Stdout, &e.Stderr} {
		if f, ok := (*out).(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			*out = cli.NewPrintableWriter(f)
		}
	}
}

// Folder makes a folder that was typed, and root become whoever could put another one
// in its place: what is written there would be written anywhere.
func (e *Env) Folder(dir string) error {
	if err := e.becomeOwnerOf(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return e.becomeOwnerOf(dir) // in /tmp somebody may have been faster
}

func (e *Env) becomeOwnerOf(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	u, err := become.Owner(path)
	if err != nil || u == nil {
		return err
	}
	return e.drop(u)
}

// owner is whom to become, nil for nobody.
func (e *Env) owner(as RunAs) (*become.User, error) {
	if as == StayRoot {
		return nil, nil
	}
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	if as == HomeOwner {
		u, err := become.Owner(p.Home)
		if errors.Is(err, become.ErrOpen) { // the administrators' own choice for /opt; the service must start
			return nil, nil
		}
		return u, err
	}
	return become.Owner(p.State)
}

// Terminal opens the terminal of this process, whatever its standard input is.
func (e *Env) Terminal() (prompt.Prompt, func(), error) {
	if e.terminal != nil { // becoming another user gave the controlling terminal up
		return prompt.Prompt{In: e.terminal, Out: e.terminal}, func() {}, nil
	}
	return prompt.Terminal()
}

// AsOwner runs this program as the owner of HOME/.tcenvsvr and returns what it
// answers: the way of a command that must stay root to what is the agent's. Who
// is not root runs it as itself.
func (e *Env) AsOwner(c *cobra.Command, args ...string) ([]byte, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	return become.Run(c.Context(), p.State, append([]string{"--home", p.Home}, args...)...)
}
