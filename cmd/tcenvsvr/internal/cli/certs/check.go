package certs

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/certs"
	certcheck "tcenvsvr/certs/check"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

func checkCommand(e *env.Env) *cobra.Command {
	var asJSON, viaProxy bool
	c := &cobra.Command{
		Use:   "check HOST:PORT|URL",
		Short: "which CA vouches for a server, or what is missing",
		Long: `Check connects to a server with TLS as an App would and says which CA vouches for it, or exactly
what is missing: exit code 0 if it is trusted, 1 if not. It goes through the proxy when
proxyTC says so, or as --proxy says. Nothing but the handshake is fetched. The port is 443
unless given.

  tcenvsvr certs check siem.corp.example
  tcenvsvr certs check https://siem.corp.example:8443/api
  tcenvsvr certs check --proxy=false broker.example.com:62000`,
		Args: cli.Exactly(1, "a server as HOST:PORT, or a URL"),
	}
	cli.JSONVar(c, &asJSON)
	c.Flags().BoolVar(&viaProxy, "proxy", false, "go through the proxy of the settings (default: as proxyTC says)")
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := open(e)
		if err != nil {
			return err
		}
		if c.Flags().Changed("proxy") {
			if p.settings.ProxyTC = viaProxy; viaProxy && p.settings.ProxyHost == "" {
				return cli.Usage("--proxy: the settings name no proxy (proxyHost)")
			}
		}
		return runCheck(c, e, p, args[0], asJSON)
	}
	return c
}

func runCheck(c *cobra.Command, e *env.Env, p place, addr string, asJSON bool) error {
	addr, err := address(addr)
	if err != nil {
		return err
	}
	h, err := p.sources.Merge(time.Now())
	if err != nil {
		return err
	}
	dialer, err := parts.Dialer(p.settings, func() (*tls.Config, error) { return &tls.Config{RootCAs: pool(h), MinVersion: tls.VersionTLS12}, nil })
	if err != nil {
		return err
	}
	r, err := certcheck.Server(c.Context(), dialer, addr, h)
	if err != nil {
		return err
	}
	if asJSON {
		if err := cli.PrintJSON(e.Stdout, r); err != nil {
			return err
		}
	} else {
		printCheck(e, r, dialer.String())
	}
	if !r.Trusted {
		return fmt.Errorf("%s is not trusted: %w", addr, cli.ErrReported)
	}
	return nil
}

// address is that of a server which is named as HOST, HOST:PORT or by a URL.
func address(server string) (string, error) {
	if scheme, _, isURL := strings.Cut(server, "://"); isURL {
		u, err := url.Parse(server)
		switch {
		case err != nil || u.Hostname() == "":
			return "", cli.Usage("certs check: this is no URL with a host; give HOST:PORT")
		case !slices.Contains([]string{"https", "wss", "tls", "ssl"}, strings.ToLower(scheme)):
			return "", cli.Usage("certs check: %.20q is not a scheme with TLS; give HOST:PORT, or a URL with https", scheme)
		}
		server = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "443")
	}
	return server, nil
}

func pool(h *certs.Merged) *x509.CertPool {
	roots := x509.NewCertPool()
	for _, c := range h.Certs() {
		roots.AddCert(c)
	}
	return roots
}

func printCheck(e *env.Env, r certcheck.Result, proxy string) {
	if proxy != "" {
		fmt.Fprintf(e.Stdout, "through %s\n", proxy)
	}
	for i, l := range r.Chain {
		fmt.Fprintf(e.Stdout, "%d  %s\n   issued by %s, valid until %s\n   %s\n", i, l.Subject, l.Issuer, day(l.NotAfter), l.Fingerprint)
	}
	if r.Trusted {
		kind := "public"
		if r.Private {
			kind = "private"
		}
		fmt.Fprintf(e.Stdout, "trusted: %s vouches for it (%s, from %s)\n", r.Root.Subject, kind, strings.Join(r.From, ", "))
		for _, n := range r.Notes {
			fmt.Fprintf(e.Stdout, "note: %s\n", n)
		}
		return
	}
	fmt.Fprintf(e.Stdout, "NOT TRUSTED: %s\n", r.Problem)
	fmt.Fprintf(e.Stderr, "hint: %s\n", r.Try)
}
