package trust

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/certs/hostwide"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func pythonWrapper(e *verb.Env) *cobra.Command {
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
		Args: verb.Exactly(1, "the path of a Python program"),
	}
	c.Flags().BoolVar(&undo, "undo", false, "put the Python back")
	c.Flags().StringVar(&at, "at", "", "write the wrapper to this file and leave the Python where it is")
	c.RunE = func(_ *cobra.Command, args []string) error {
		python, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		p, err := open(e)
		if err != nil {
			return err
		}
		w := hostwide.Wrapper{Python: python, At: at, Bundle: filepath.Join(p.paths.Trust, "current", certs.PEMFile)}
		if undo {
			return w.Undo()
		}
		if _, err := certs.New(certs.Config{Dir: p.paths.Trust, Sources: p.sources}).Rebuild(); err != nil {
			return err
		}
		return w.Install()
	}
	return c
}

func system(e *verb.Env) *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use:   "system",
		Short: "add the private CAs to the host's own store",
		Long: `System gives the private CAs to update-ca-trust (RHEL) or update-ca-certificates (Debian, SUSE), so
that all programs of the host trust them. It needs root. Once more, it brings the host up to
date with what was added and removed here; --undo takes all of ours away.

  tcenvsvr certs system
  tcenvsvr certs system --undo`,
		Args: verb.Exactly(0, "no arguments"),
	}
	c.Flags().BoolVar(&undo, "undo", false, "take our CAs away from the host's store")
	c.RunE = func(c *cobra.Command, _ []string) error {
		p, err := open(e)
		if err != nil {
			return err
		}
		anchors, err := hostwide.HostAnchors()
		if err != nil {
			return err
		}
		var list []*x509.Certificate
		if !undo {
			h, err := p.sources.Gather(time.Now())
			if err != nil {
				return err
			}
			for _, r := range h.Roots {
				if r.Private {
					list = append(list, r.Cert)
				}
			}
		}
		written, removed, err := anchors.Sync(c.Context(), list)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "%s: %d added, %d removed, %d in all\n", anchors.Dir, written, removed, len(list))
		return nil
	}
	return c
}
