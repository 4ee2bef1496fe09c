package platform

import (
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/spf13/pflag"

	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/cmd/internal/cli"
)

// Flags are the flags.
type Flags struct {
	URL, Credentials, CA, Proxy string
}

// Add adds the flags; use says what the instance is for.
func (p *Flags) Add(f *pflag.FlagSet, use string) {
	f.StringVar(&p.URL, "platform", "", "ThreatConnect instance "+use)
	f.StringVar(&p.Credentials, "platform-credentials", "", "file with TC_API_ACCESS_ID=… and TC_API_SECRET_KEY=…, or TC_TOKEN=…, and TC_PROXY_USERNAME=… and TC_PROXY_PASSWORD=… for the proxy (default: the environment)")
	f.StringVar(&p.CA, "platform-ca", "", "PEM file with further CAs that its certificate may come from")
	f.StringVar(&p.Proxy, "platform-proxy", "", "http:// address of the proxy to it (default: HTTPS_PROXY and NO_PROXY)")
}

// Files are the files that Config reads.
func (p *Flags) Files() []string { return []string{p.Credentials, p.CA} }

// maxCA is the most bytes of a file of CAs.
const maxCA = 4 << 20

// Config returns how to reach the instance, nil without --platform.
func (p *Flags) Config(getenv func(string) string, open func(string) (*os.File, error)) (*upstream.Config, error) {
	if p.URL == "" {
		if p.Credentials != "" || p.CA != "" || p.Proxy != "" {
			return nil, cli.Usage("--platform-credentials, --platform-ca and --platform-proxy belong to --platform")
		}
		return nil, nil
	}
	cfg := upstream.Config{URL: p.URL}
	if p.Proxy != "" {
		proxy, err := url.Parse(p.Proxy)
		if err != nil || proxy.User != nil {
			return nil, cli.Usage("--platform-proxy is not http://host:port without a user: its credentials belong into the file or the environment")
		}
		cfg.Proxy = proxy
	}
	var err error
	if cfg.Credentials, err = p.credentials(getenv, open); err != nil {
		return nil, err
	}
	if p.CA != "" {
		if cfg.CA, err = read(p.CA, open); err != nil {
			return nil, fmt.Errorf("reading --platform-ca: %w", err)
		}
	}
	if _, err := upstream.New(cfg); err != nil {
		return nil, cli.Usage("reading --platform: %w", err)
	}
	return &cfg, nil
}

func (p *Flags) credentials(getenv func(string) string, open func(string) (*os.File, error)) (upstream.Credentials, error) {
	if p.Credentials == "" {
		c, err := upstream.FromEnvironment(getenv)
		if err != nil {
			err = fmt.Errorf("reading the credentials for --platform from the environment: %w\nhint: --platform-credentials FILE reads them from a file", err)
		}
		return c, err
	}
	fail := func(err error) (upstream.Credentials, error) {
		return upstream.Credentials{}, fmt.Errorf("reading the credentials for --platform from %q: %w", p.Credentials, err)
	}
	f, err := open(p.Credentials)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	data, err := privatefile.From(f, upstream.MaxFile)
	if err != nil {
		return fail(err)
	}
	c, err := upstream.Parse(data)
	if err != nil {
		return fail(err)
	}
	return c, nil
}

func read(name string, open func(string) (*os.File, error)) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCA+1))
	if err == nil && len(data) > maxCA {
		err = fmt.Errorf("%q has more than %d bytes", name, maxCA)
	}
	return data, err
}
