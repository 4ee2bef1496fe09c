package certs

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/certs"
	"tcenvsvr/certs/hostwide"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func pythonWrapperCommand(e *env.Env) *cobra.Command {
	var undo bool
	var at string
	c := &cobra.Command{
		Use:   "python-wrapper PYTHON",
		Short: "make a Python outside of Apps trust the same CAs",
		Long: `Python-wrapper does what the guide does by hand: it renames a Python to tcpython and puts a
script in its place that points requests, ssl, pip and others to our bundle, which keeps
following changes. Apps do not need it. --undo puts the Python back.

  tcenvsvr certs python-wrapper /opt/python3.11/bin/python
  tcenvsvr certs python-wrapper /usr/bin/python3.11 --at /usr/local/bin/tcpython
  tcenvsvr certs python-wrapper /opt/python3.11/bin/python --undo`,
		Args: cli.Exactly(1, "the path of a Python program"),
	}
	c.Flags().BoolVar(&undo, "undo", false, "put the Python back")
	c.Flags().StringVar(&at, "at", "", "write the wrapper to this file and leave the Python where it is")
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := e.Paths()
		if err != nil {
			return err
		}
		w := hostwide.Wrapper{Bundle: filepath.Join(p.Trust, "current", certs.PEMFile)}
		if w.Python, err = ownedByRoot(args[0]); err != nil {
			return err
		}
		if w.At, err = ownedByRoot(at); err != nil {
			return err
		}
		if undo {
			return w.Undo()
		}
		if _, err := e.AsOwner(c, "certs", "build"); err != nil {
			return err
		}
		return w.Install()
	}
	return c
}

// ownedByRoot returns a path from the command line as an absolute one. It is an error if root runs
// this and another user could replace the file meanwhile.
func ownedByRoot(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u, err := become.Owner(path)
	if err == nil && u != nil {
		err = fmt.Errorf("changing %q as root: it belongs to user %q, or a folder above it does\nhint: run this as that user: \"sudo -u %s tcenvsvr …\"", path, u.Name, u.Name)
	}
	return path, err
}
