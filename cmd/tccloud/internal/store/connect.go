package store

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/secret/privatefile"
)

// Login says who the cloud is to NATS, and which NATS it trusts: files, none of which is read by
// others. They are read at each connection, so that what is replaced is used from the next one on.
// At most one of Credentials, NKey and User is given, and Cert with Key.
type Login struct {
	Credentials string // a .creds file, as nsc makes it
	NKey        string // a file with the seed of an nkey
	User        string // a file with two lines, user name and password; or one, a token
	CA          string // PEM file with the CAs that NATS' certificates may come from, instead of the system's
	Cert, Key   string // PEM files with the client's certificate and its key
}

const (
	maxLogin = 64 << 10
	// startTimeout is how long the first connection is tried: machines that start at once are ready
	// in any order.
	startTimeout = time.Minute
	startAgain   = 500 * time.Millisecond
)

// CheckURL returns an error if a NATS address is none, or holds what must not be on a command line.
// It never quotes the address.
func CheckURL(address string) error {
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("a NATS address is not nats://host:port or tls://host:port")
	case u.User != nil:
		return errors.New("a NATS address holds a user: all users of this host see command lines; write user and password into a file for --nats-user-file")
	case u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
		return errors.New("a NATS address has an unknown scheme, want nats:// or tls://")
	}
	return nil
}

// check reads each file once, so that what is wrong is said at the start.
func (l Login) check() error {
	for _, path := range []string{l.Credentials, l.NKey, l.User, l.Key} {
		if path == "" {
			continue
		}
		if _, err := privatefile.Read(path, maxLogin); err != nil {
			return fmt.Errorf("reading how to log in to NATS: %w", err)
		}
	}
	if l.User != "" {
		_, _, err := l.ReadUser()
		return err
	}
	return nil
}

// options are those of the connection.
func (l Login) options() ([]nats.Option, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	var all []nats.Option
	switch {
	case l.Credentials != "":
		all = append(all, nats.UserCredentials(l.Credentials))
	case l.NKey != "":
		o, err := nats.NkeyOptionFromSeed(l.NKey)
		if err != nil {
			return nil, fmt.Errorf("reading the nkey for NATS: %q holds none", l.NKey)
		}
		all = append(all, o)
	case l.User != "":
		if _, password, _ := l.ReadUser(); password == "" {
			all = append(all, nats.TokenHandler(func() string { token, _, _ := l.ReadUser(); return token }))
		} else {
			all = append(all, nats.UserInfoHandler(func() (string, string) { user, password, _ := l.ReadUser(); return user, password }))
		}
	}
	var certificate nats.TLSCertHandler
	var roots nats.RootCAsHandler
	if l.Cert != "" {
		certificate = l.certificate
	}
	if l.CA != "" {
		roots = l.roots
	}
	if certificate != nil || roots != nil {
		all = append(all, nats.ClientTLSConfig(certificate, roots))
	}
	return all, nil
}

// ReadUser reads the name and the password in User; without a password the name is a token.
func (l Login) ReadUser() (name, password string, err error) {
	data, err := privatefile.Read(l.User, maxLogin)
	if err != nil {
		return "", "", fmt.Errorf("reading the user for NATS: %w", err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	name = string(bytes.TrimSpace(lines[0]))
	if len(lines) > 1 {
		password = string(bytes.TrimSpace(lines[1]))
	}
	if name == "" || len(lines) > 2 || len(lines) == 2 && password == "" {
		return "", "", fmt.Errorf("reading the user for NATS: %q has not one or two lines, user name and password", l.User)
	}
	return name, password, nil
}

func (l Login) roots() (*x509.CertPool, error) {
	data, err := os.ReadFile(l.CA)
	if err != nil {
		return nil, fmt.Errorf("reading the CAs of NATS: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading the CAs of NATS: there is no certificate in %q", l.CA)
	}
	return pool, nil
}

func (l Login) certificate() (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(l.Cert, l.Key)
	if err != nil {
		return c, fmt.Errorf("reading the client certificate for NATS: %w", err)
	}
	return c, nil
}

// reach connects to an external cluster. Its nodes may start at the same time as this gateway.
func (s *Store) reach(ctx context.Context, cfg Config) error {
	for _, u := range cfg.URLs {
		if err := CheckURL(u); err != nil {
			return err
		}
	}
	login, err := cfg.Login.options()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for said := false; ; {
		var note func()
		if note, err = s.ready(ctx, cfg, append(s.options(), login...)); err == nil {
			note()
			return nil
		}
		if s.conn != nil {
			s.conn.Close()
			s.conn = nil
		}
		if final(err) {
			return fmt.Errorf("connecting to NATS: %w", err)
		}
		if !said {
			s.log.Warn("waiting for NATS", "err", err, "for", startTimeout)
			said = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("connecting to NATS: %w", err)
		case <-time.After(startAgain):
		}
	}
}

// final reports whether waiting does not help.
func final(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return unknown || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrSecureConnWanted) ||
		errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}

// ready connects, and returns when the cluster takes writes with as many copies as are wanted. note
// says what is to be known about them.
func (s *Store) ready(ctx context.Context, cfg Config, options []nats.Option) (note func(), err error) {
	if s.conn, err = nats.Connect(strings.Join(cfg.URLs, ","), options...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout+2*time.Second)
	defer cancel()
	if err := s.jetstream(ctx); err != nil {
		return nil, err
	}
	if s.replicas, note, err = s.wanted(ctx, cfg.Replicas); err != nil {
		return nil, err
	}
	_, err = s.probeWrite(ctx, nil)
	return note, err
}
