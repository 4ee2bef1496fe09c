package client

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Config tells where a cloud is and how to get in.
type Config struct {
	URL        string // https://host[:port]
	Token      string
	Roots      *x509.CertPool // nil: the system's
	ServerName string         // to verify, "" = URL's host
	// Local: the cloud is on this host, and its files tell where it is and how to verify it.
	Local bool
}

// Source is what the command line says; empty fields were not given.
type Source struct {
	URL, TokenFile, CA, Data string
	Getenv                   func(string) string // nil: none
}

// ErrConfig means that it is not known where the cloud is, or how to get in.
var ErrConfig = errors.New("connection to the cloud is not configured")

// Resolve finds out where the cloud is, see the package documentation. It returns [ErrConfig] or
// [ErrNotRunning] if it cannot.
func Resolve(s Source) (Config, error) {
	getenv := s.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	var c Config
	var local Endpoint
	if s.Data != "" {
		var err error
		// It is not needed if everything else is given.
		if local, err = ReadEndpoint(s.Data); err != nil && first(s.URL, getenv("TCCLOUD_URL")) == "" {
			return Config{}, err
		}
	}
	c.URL = first(s.URL, getenv("TCCLOUD_URL"), local.URL)
	if c.URL == "" {
		return Config{}, fmt.Errorf("%w: give --url, TCCLOUD_URL or --data DIR", ErrConfig)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return Config{}, fmt.Errorf("%w: %q is no https:// address", ErrConfig, c.URL)
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.URL == local.URL {
		c.ServerName, c.Local = local.ServerName, true
	}
	if c.Token, err = token(s, getenv); err != nil {
		return Config{}, err
	}
	if ca := first(s.CA, getenv("TCCLOUD_CA"), local.CA); ca != "" {
		if c.Roots, err = roots(ca); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func token(s Source, getenv func(string) string) (string, error) {
	if t := getenv("TCCLOUD_TOKEN"); t != "" && s.TokenFile == "" {
		return t, nil
	}
	file := s.TokenFile
	if file == "" {
		file = getenv("TCCLOUD_TOKEN_FILE")
	}
	if file == "" && s.Data != "" {
		file = filepath.Join(s.Data, TokenFile)
	}
	if file == "" {
		return "", fmt.Errorf("%w: give --token-file, TCCLOUD_TOKEN, TCCLOUD_TOKEN_FILE or --data DIR", ErrConfig)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	t := strings.TrimSpace(string(data))
	if t == "" || strings.ContainsAny(t, "\r\n") {
		return "", fmt.Errorf("%w: %q holds no token", ErrConfig, file)
	}
	return t, nil
}

func roots(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the cloud's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%w: %q holds no PEM certificate", ErrConfig, file)
	}
	return pool, nil
}
