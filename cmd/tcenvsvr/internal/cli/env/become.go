package env

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/prompt"
)

// RunAs is the user that a command becomes when root starts it.
type RunAs int

// Users that a command can become.
const (
	// StateOwner is the owner of HOME/.tcenvsvr, the agent's user. It is for commands that work on
	// settings, keys, logs, trust and orders.
	StateOwner RunAs = iota
	// HomeOwner is the owner of HOME itself, where interpreters and the programs of updates lie.
	// That stays root where the package, or root, made the folder.
	HomeOwner
	// StayRoot is root. The command may touch what lies below HOME only through packages that
	// follow no links, or by AsOwner.
	StayRoot
)

// Become makes root's process the owner of what c works on, after opening the files that c declared
// with [Env.Reads] and [Env.Makes]. It does nothing in a process that is not root's.
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

// BecomeOwner is [Env.Become] with StateOwner, for a command that had to do something as root
// first.
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

// guardTerminal keeps text that other users wrote from steering root's terminal. It covers errors
// and commands that stay root, too.
func (e *Env) guardTerminal() {
	if os.Geteuid() != 0 {
		return
	}
	for _, out := range []*io.Writer{&e.Stdout, &e.Stderr} {
		if f, ok := (*out).(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			*out = plain.NewWriter(f)
		}
	}
}

// Folder makes a folder that was named on the command line. Root's process becomes the user who
// could replace the folder, if there is one: otherwise that user could redirect root's writes
// anywhere.
func (e *Env) Folder(dir string) error {
	if err := e.becomeOwnerOf(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return e.becomeOwnerOf(dir) // in /tmp another user may have made it first
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

// owner returns the user to become, nil if the process is to stay what it is.
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
		if errors.Is(err, become.ErrOpen) { // the administrators chose that for /opt; the service must start all the same
			return nil, nil
		}
		return u, err
	}
	return become.Owner(p.State)
}

// Terminal opens the terminal of this process, whatever its standard input is. The returned
// function closes it.
func (e *Env) Terminal() (prompt.Prompt, func(), error) {
	if e.terminal != nil { // becoming another user gave the controlling terminal up
		return prompt.Prompt{In: e.terminal, Out: e.terminal}, func() {}, nil
	}
	return prompt.Terminal()
}

// AsOwner runs this program with args as the owner of HOME/.tcenvsvr and returns its answer. A
// command that must stay root learns by it what belongs to the agent. In a process that is not
// root's the user stays the same.
func (e *Env) AsOwner(c *cobra.Command, args ...string) ([]byte, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	return become.Run(c.Context(), p.State, append([]string{"--home", p.Home}, args...)...)
}
