package certs

import (
	"crypto/x509"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/hostwide"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func systemCommand(e *env.Env) *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use:   "system",
		Short: "add the private CAs to the host's own store",
		Long: `System gives the private CAs to update-ca-trust (RHEL) or update-ca-certificates (Debian, SUSE), so
that all programs of the host trust them. It needs root. Called again, it brings the host up to
date with what was added and removed here; --undo takes all of ours away.

  tcenvsvr certs system
  tcenvsvr certs system --undo`,
		Args: cli.Exactly(0, "no arguments"),
	}
	c.Flags().BoolVar(&undo, "undo", false, "take our CAs away from the host's store")
	c.RunE = func(c *cobra.Command, _ []string) error {
		anchors, err := hostwide.HostAnchors()
		if err != nil {
			return err
		}
		var list []*x509.Certificate
		if !undo {
			if list, err = trustedByOwner(e, c, "--private"); err != nil {
				return err
			}
		}
		for _, ca := range list {
			fmt.Fprintf(e.Stdout, "%s\n  %s\n", cert.Name(ca.Subject), cert.Fingerprint(ca))
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
