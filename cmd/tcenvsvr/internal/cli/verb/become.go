package verb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/prompt"
)

// Whose says whom a command becomes when root started it.
type Whose int

// Whom a command becomes.
const (
	// State: whoever owns HOME/.tcenvsvr, the agent's user. What works on
	// settings, keys, logs, trust and orders is this.
	State Whose = iota
	// Home: whoever owns HOME itself. That stays root where the package, or root,
	// made it; the programs of updates and interpreters lie there.
	Home
	// Root: it stays root, and may touch what lies below HOME only through
	// packages that follow no links, or by AsOwner.
	Root
)

// files are what a command reads or makes by names that were typed.
type files struct{ reads, makes []names }

// names picks the files out of a command's arguments, and of its flags, which are
// parsed by then.
type names = func(args []string) []string

// Reads declares files that c reads. What only root may read is opened before the
// command becomes a lesser user; Open and MasterKey have it.
func (e *Env) Reads(c *cobra.Command, n names) {
	f := e.declared(c)
	f.reads = append(f.reads, n)
}

// Makes declares files that c makes; Create has them.
func (e *Env) Makes(c *cobra.Command, n names) {
	f := e.declared(c)
	f.makes = append(f.makes, n)
}

func (e *Env) declared(c *cobra.Command) *files {
	if e.files == nil {
		e.files = map[*cobra.Command]*files{}
	}
	if e.files[c] == nil {
		e.files[c] = &files{}
	}
	return e.files[c]
}

// Become makes a process of root that runs c the owner of what c works on. For
// others than root it does nothing.
func (e *Env) Become(c *cobra.Command, args []string, whose Whose) error {
	e.guardTerminal()
	u, err := e.owner(whose)
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
	u, err := e.owner(State)
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
func (e *Env) owner(whose Whose) (*become.User, error) {
	if whose == Root {
		return nil, nil
	}
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	if whose == Home {
		u, err := become.Owner(p.Home)
		if errors.Is(err, become.ErrOpen) { // the administrators' own choice for /opt; the service must start
			return nil, nil
		}
		return u, err
	}
	return become.Owner(p.State)
}

// open opens what is to be opened as root.
func (e *Env) open(as func(string) (*os.File, error), names []string) error {
	for _, name := range names {
		if name == "" || name == "-" {
			continue
		}
		f, err := as(name)
		missing := errors.Is(err, fs.ErrNotExist) // which the user may not be able to see
		if err != nil && !missing {
			return err
		}
		if f == nil && !missing {
			continue
		}
		if e.opened == nil {
			e.opened = map[string]*os.File{}
		}
		e.opened[absolute(name)] = f // nil for what is missing
	}
	return nil
}

// taken is a file that was opened by root, nil for others; an error where root saw
// that there is none.
func (e *Env) taken(name string) (*os.File, error) {
	path := absolute(name)
	f, known := e.opened[path]
	if known && f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	delete(e.opened, path)
	return f, nil
}

func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}

// Open opens a file that was named on the command line.
func (e *Env) Open(name string) (*os.File, error) {
	f, err := e.taken(name)
	if f != nil || err != nil {
		return f, err
	}
	f, err = os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w\nhint: the agent's user must be able to read it and to pass the folders above it", err)
	}
	return f, err
}

// MasterKey reads a password from a file that was named on the command line.
func (e *Env) MasterKey(name string) ([]byte, error) {
	f, err := e.taken(name)
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	if f != nil {
		defer f.Close()
		return masterkey.From(f)
	}
	return masterkey.FromFile(name)
}

// Create makes a file that was named on the command line, for its owner alone.
// One that is there is an error.
func (e *Env) Create(name string) (*os.File, error) {
	f, err := e.taken(name)
	if f != nil || err != nil {
		return f, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
