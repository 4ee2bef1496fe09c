package verb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
)

// Env is the world a verb may touch.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Home           string // flag --home
	Became         string // the user that root's process is by now, "" for none

	files    map[*cobra.Command]*files // declared by the verbs
	opened   map[string]*os.File       // by root, before it became another user
	terminal *os.File                  // likewise
}

// Paths are where things live below --home.
func (e *Env) Paths() (paths.Paths, error) { return paths.New(e.Home) }

// Getenv is the last value of an environment variable, "" without one.
func (e *Env) Getenv(name string) string {
	value := ""
	for _, kv := range e.Environ {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			value = kv[len(name)+1:]
		}
	}
	return value
}

// PrintJSON answers in JSON.
func (e *Env) PrintJSON(v any) error {
	enc := json.NewEncoder(e.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// UsageError is a wrong command line.
type UsageError struct{ error }

func (u UsageError) Unwrap() error { return u.error }

// Usage makes a UsageError.
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// ErrTold is wrapped by errors that the verb has already told in its own
// words: only the exit code is left to give.
var ErrTold = errors.New("told already")

// Exactly is cobra.ExactArgs with our exit code; what says which arguments are wanted.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return Usage("%s takes %s", c.CommandPath(), what)
		}
		return nil
	}
}

// AtLeast is cobra.MinimumNArgs with our exit code.
func AtLeast(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return Usage("%s takes %s", c.CommandPath(), what)
		}
		return nil
	}
}

// Group is a command that has only subcommands.
func Group(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long}
	c.AddCommand(subs...)
	return c
}

// SortedKeys are m's keys in order.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
