package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// showCommand returns "certs show". Commands that stay root learn by it what the owner trusts.
func showCommand(e *env.Env) *cobra.Command {
	var private bool
	c := &cobra.Command{
		Use:   "show",
		Short: "print the trusted CAs as PEM",
		Long: `Show prints every CA that is trusted, in PEM, each under its subject.

  tcenvsvr certs show > ca-bundle.pem
  tcenvsvr certs show --private`,
		Args: cli.Exactly(0, "no arguments, only flags"),
	}
	c.Flags().BoolVar(&private, "private", false, "only the private ones")
	c.RunE = func(*cobra.Command, []string) error {
		p, err := open(e)
		if err != nil {
			return err
		}
		h, err := p.sources.Merge(time.Now())
		if err != nil {
			return err
		}
		var list []*x509.Certificate
		for _, r := range h.Roots {
			if r.Private || !private {
				list = append(list, r.Cert)
			}
		}
		_, err = e.Stdout.Write(certs.PEM(list))
		return err
	}
	return c
}

// trustedByOwner returns the CAs that the owner of the home trusts, as "certs show" prints them in
// a process of that owner: root reads no file of the owner's. Certificates that are no CA are left
// out.
func trustedByOwner(e *env.Env, c *cobra.Command, flags ...string) ([]*x509.Certificate, error) {
	text, err := e.AsOwner(c, append([]string{"certs", "show"}, flags...)...)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	found, _, err := cert.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the trusted CAs: %w", err)
	}
	return slices.DeleteFunc(found, func(c *x509.Certificate) bool { return cert.Assess(c, time.Now()).Refused != "" }), nil
}
