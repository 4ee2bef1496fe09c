package env

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
)

// Env is the world that a command may touch. Tests make one of their own.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Home           string // flag --home
	Became         string // the user that root's process has become, "" if it became none

	files    map[*cobra.Command]*files // declared by Reads and Makes
	opened   map[string]*os.File       // by root, before it became another user
	terminal *os.File                  // opened by root, too
}

// Paths returns where things lie below --home.
func (e *Env) Paths() (paths.Paths, error) {
	p, err := paths.New(e.Home)
	return p.WithPolicy(e.Getenv), err
}

// Getenv returns the last value of an environment variable, "" without one.
func (e *Env) Getenv(name string) string {
	value := ""
	for _, kv := range e.Environ {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			value = kv[len(name)+1:]
		}
	}
	return value
}
