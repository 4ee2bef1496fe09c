package trust

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func build(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "make the trust stores now",
		Long: `Build makes the trust stores from all sources now and prints where they are. The agent does
the same when a source changes and at every job's start; stores that somebody has
damaged are repaired.

  tcenvsvr certs build`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			p, err := open(e)
			if err != nil {
				return err
			}
			if err := p.paths.Create(); err != nil {
				return err
			}
			set, err := certs.New(certs.Config{Dir: p.paths.Trust, Sources: p.sources}).Rebuild()
			if err != nil {
				return err
			}
			for _, file := range set.Files() {
				fmt.Fprintln(e.Stdout, file)
			}
			fmt.Fprintf(e.Stderr, "%d CAs\n", set.Count)
			return nil
		},
	}
}

func export(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "export DIR",
		Short: "write the trust stores into a folder",
		Long: `Export writes ca-bundle.pem, cacerts.jks and cacerts.p12 with all trusted CAs into a folder, for
programs that Apps have nothing to do with. They do not follow later changes.

  tcenvsvr certs export /opt/certs`,
		Args: cli.Exactly(1, "a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := asOwner(e, c)
			if err != nil {
				return err
			}
			if err := e.Folder(args[0]); err != nil {
				return fmt.Errorf("exporting trust stores to %q: %w", args[0], err)
			}
			if err := certs.Export(args[0], list); err != nil {
				return err
			}
			fmt.Fprintf(e.Stderr, "%d CAs\n", len(list))
			return nil
		},
	}
}

// show prints what is trusted. It is how commands that stay root learn it.
func show(e *verb.Env) *cobra.Command {
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
		h, err := p.sources.Gather(time.Now())
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

// asOwner are the CAs that the owner of the home trusts, by his own word: root
// reads nothing of his. What is no CA is left out.
func asOwner(e *verb.Env, c *cobra.Command, flags ...string) ([]*x509.Certificate, error) {
	text, err := e.AsOwner(c, append([]string{"certs", "show"}, flags...)...)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	found, _, err := cert.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the trusted CAs: %w", err)
	}
	return slices.DeleteFunc(found, func(c *x509.Certificate) bool { return cert.Judge(c, time.Now()).Refused != "" }), nil
}
