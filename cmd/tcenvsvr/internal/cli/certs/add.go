package certs

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func addCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "add FILE…",
		Short: "trust the CAs in files",
		Long: `Add adds the CAs in files of PEM (in any order), DER or PKCS#7 (.p7b), and says of every
certificate whether it was added: that of a server is left out, with the reason, unless
it is self-signed. If one of the files has nothing that can be trusted, or holds a
private key, nothing is added.

  tcenvsvr certs add corp-root.pem
  tcenvsvr certs add fullchain.pem partner.p7b`,
		Args: cli.AtLeast(1, "files with certificates"),
		RunE: func(_ *cobra.Command, args []string) error { return runAdd(e, args) },
	}
	e.Reads(c, func(args []string) []string { return args })
	return c
}

func runAdd(e *env.Env, files []string) error {
	p, err := open(e)
	if err != nil {
		return err
	}
	now := time.Now()
	type found struct {
		cert.Verdict
		file string
	}
	var all []found
	for _, file := range files {
		list, skipped, err := read(e, file)
		if err != nil {
			return err
		}
		good := 0
		var why []string
		for _, c := range list {
			v := cert.Assess(c, now)
			all = append(all, found{v, file})
			if v.Refused == "" {
				good++
			} else {
				why = append(why, cert.Name(c.Subject)+": "+v.Refused)
			}
		}
		for _, s := range skipped {
			fmt.Fprintf(e.Stderr, "passed over in %s: %v\n", file, s)
		}
		if good == 0 {
			return fmt.Errorf("adding %q: there is no CA in it that can be trusted: %s", file, strings.Join(why, "; "))
		}
	}
	if err := p.paths.Create(); err != nil {
		return err
	}
	for _, f := range all {
		subject := cert.Name(f.Cert.Subject)
		if f.Refused != "" {
			fmt.Fprintf(e.Stdout, "left     %s: %s\n", subject, f.Refused)
			continue
		}
		fresh, err := certs.Add(p.paths.Certs, f.Cert, f.file, now)
		if err != nil {
			return err
		}
		word := "there    "
		if fresh {
			word = "added    "
			p.audit.Record(audit.CertsAdded, "subject", subject, "fingerprint", cert.Fingerprint(f.Cert), "file", f.file)
		}
		fmt.Fprintf(e.Stdout, "%s%s (%s), valid until %s\n         %s\n", word, subject, f.Kind, day(f.Cert.NotAfter), cert.Fingerprint(f.Cert))
		for _, note := range f.Notes {
			fmt.Fprintf(e.Stdout, "         note: %s\n", note)
		}
	}
	return rebuild(e, p)
}

func read(e *env.Env, file string) ([]*x509.Certificate, []error, error) {
	f, err := e.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("reading certificates: %w", err)
	}
	defer f.Close()
	return cert.Read(f)
}
