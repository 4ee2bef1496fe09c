package env

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/plainfile"
	"tcenvsvr/agent/secret/masterkey"
)

// names returns the files that a command's arguments and flags name. The flags are parsed by then.
type names = func(args []string) []string

// Reads declares files that c reads. Root opens them before it becomes another user, so that they
// may be readable by root only; [Env.Open] and [Env.MasterKey] return them.
func (e *Env) Reads(c *cobra.Command, n names) {
	f := e.declared(c)
	f.reads = append(f.reads, n)
}

// Makes declares files that c makes; [Env.Create] returns them.
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

// open opens files as root. It remembers missing ones, too: the other user may be unable to see
// that they are missing.
func (e *Env) open(as func(string) (*os.File, error), names []string) error {
	for _, name := range names {
		if name == "" || name == "-" {
			continue
		}
		f, err := as(name)
		missing := errors.Is(err, fs.ErrNotExist)
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

// openedByRoot returns a file that root has opened, and nil for a file that root did not open. It
// is an error if root saw that the file does not exist.
func (e *Env) openedByRoot(name string) (*os.File, error) {
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

// Open opens a file that was named on the command line. It waits for no pipe.
func (e *Env) Open(name string) (*os.File, error) {
	f, err := e.openedByRoot(name)
	if f != nil || err != nil {
		return f, err
	}
	f, err = os.OpenFile(name, os.O_RDONLY|plainfile.NoWait, 0)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w\nhint: the agent's user must be able to read it and to pass the folders above it", err)
	}
	return f, err
}

// MasterKey reads a password from a file that was named on the command line.
func (e *Env) MasterKey(name string) ([]byte, error) {
	f, err := e.openedByRoot(name)
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	if f != nil {
		defer f.Close()
		return masterkey.From(f)
	}
	return masterkey.FromFile(name)
}

// Create makes a file that was named on the command line, readable by its owner alone. A file that
// exists is an error.
func (e *Env) Create(name string) (*os.File, error) {
	f, err := e.openedByRoot(name)
	if f != nil || err != nil {
		return f, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// files are what a command reads and makes by names from the command line.
type files struct{ reads, makes []names }
