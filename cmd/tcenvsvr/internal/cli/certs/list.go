package certs

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// entry is one CA in the answer of "certs list".
type entry struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Fingerprint string    `json:"fingerprint"`
	Kind        string    `json:"kind"`
	NotAfter    time.Time `json:"not_after"`
	Days        int       `json:"days_left"`
	From        []string  `json:"from"`
	Private     bool      `json:"private"`
	Trusted     bool      `json:"trusted"`
	Reason      string    `json:"reason,omitempty"` // why it is not
	Notes       []string  `json:"notes,omitempty"`
}

// listing is the whole answer of "certs list".
type listing struct {
	Certs    []entry  `json:"certs"`
	Public   int      `json:"public"` // trusted ones that are not private
	Problems []string `json:"problems,omitempty"`
}

func listCommand(e *env.Env) *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "show the private CAs, and what is wrong with files",
		Long: `List shows the private CAs with their issuer, fingerprint, end and origin, warns of those that
end within 30 days, and names what is not trusted and why: expired or distrusted CAs,
files that cannot be read. With --all it shows the public ones, too.

  tcenvsvr certs list
  tcenvsvr certs list --all --json`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			l, err := listCerts(e, all)
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(e.Stdout, l)
			}
			printListing(e, l)
			return nil
		},
	}
	cli.JSONVar(c, &asJSON)
	c.Flags().BoolVar(&all, "all", false, "public CAs as well")
	return c
}

func listCerts(e *env.Env, all bool) (listing, error) {
	l := listing{Certs: []entry{}}
	p, err := open(e)
	if err != nil {
		return l, err
	}
	now := time.Now()
	h, err := p.sources.Merge(now)
	if err != nil {
		return l, err
	}
	l.Public = h.Public
	for _, r := range append(h.Roots, h.Left...) {
		if r.Private || all {
			l.Certs = append(l.Certs, describe(r, now))
		}
	}
	for _, problem := range h.Problems {
		l.Problems = append(l.Problems, problem.Error())
	}
	return l, nil
}

func describe(r certs.Root, now time.Time) entry {
	return entry{
		Subject: cert.Name(r.Cert.Subject), Issuer: cert.Name(r.Cert.Issuer), Fingerprint: cert.Fingerprint(r.Cert),
		Kind: string(r.Kind), NotAfter: r.Cert.NotAfter.UTC(), Days: int(r.Cert.NotAfter.Sub(now).Hours() / 24),
		From: r.From, Private: r.Private, Trusted: r.Refused == "", Reason: r.Refused, Notes: r.Notes,
	}
}

func printListing(e *env.Env, l listing) {
	for _, c := range l.Certs {
		fmt.Fprintf(e.Stdout, "%s\n", c.Subject)
		row := func(name, format string, args ...any) {
			fmt.Fprintf(e.Stdout, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
		}
		if c.Issuer != c.Subject {
			row("issuer", "%s", c.Issuer)
		}
		row("fingerprint", "%s", c.Fingerprint)
		row("valid until", "%s (%s)", day(c.NotAfter), c.Kind)
		row("from", "%s", strings.Join(c.From, ", "))
		if !c.Trusted {
			row("NOT TRUSTED", "%s", c.Reason)
		}
		for _, note := range c.Notes {
			row("note", "%s", note)
		}
	}
	fmt.Fprintf(e.Stdout, "%d public CAs are trusted besides\n", l.Public)
	for _, p := range l.Problems {
		fmt.Fprintf(e.Stderr, "warning: %s\n", p)
	}
	for _, c := range l.Certs {
		if c.Private && c.Trusted && time.Duration(c.Days)*24*time.Hour < cert.Ahead {
			fmt.Fprintf(e.Stderr, "warning: %s ends in %d days, on %s: add its successor now; both are trusted until then\n", c.Subject, c.Days, day(c.NotAfter))
		}
	}
}
