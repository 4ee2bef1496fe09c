package certs

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/certs/cert"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func removeCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "remove FINGERPRINT",
		Short: "stop trusting a private CA",
		Long: `Remove takes away a CA that was added, by its fingerprint or the first 8 or more digits of it. It
counts for the next job; jobs that run keep what they were started with.

  tcenvsvr certs remove 3f9a01c2`,
		Args: cli.Exactly(1, "a fingerprint, as \"certs list\" shows it"),
		RunE: func(_ *cobra.Command, args []string) error { return runRemove(e, args[0]) },
	}
}

func runRemove(e *env.Env, print string) error {
	p, err := open(e)
	if err != nil {
		return err
	}
	r, err := p.sources.Remove(print, time.Now())
	if err != nil {
		return err
	}
	subject := cert.Name(r.Cert.Subject)
	p.audit.Record(audit.CertsRemoved, "subject", subject, "fingerprint", cert.Fingerprint(r.Cert))
	fmt.Fprintf(e.Stdout, "removed  %s\n         %s\n", subject, cert.Fingerprint(r.Cert))
	h, err := p.sources.Merge(time.Now())
	if err != nil {
		return err
	}
	for _, still := range h.Roots {
		if still.Cert.Equal(r.Cert) {
			fmt.Fprintf(e.Stderr, "warning: it is still trusted, because it is in %q as well\n", still.From)
		}
	}
	return rebuild(e, p)
}
