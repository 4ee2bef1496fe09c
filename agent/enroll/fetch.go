package enroll

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/logging/plain"
)

// ErrPin means that the server which answers is not the cloud that made the link.
var ErrPin = errors.New("what answers is not the cloud that made this link")

// ErrLink means that the link was used already, has expired or is malformed.
var ErrLink = errors.New("the link is not good")

// pinKey is how the fragment of a link begins. What follows is the SHA-256 of the certificate that
// the cloud's own is issued by.
const pinKey = "sha256="

// IsLink reports whether an argument of enroll is a link, not a file.
func IsLink(source string) bool { return strings.Contains(source, "://") }

// Fetch downloads the bundle behind a one-time link. The link carries the digest of the cloud's CA.
// The server must show a chain to that CA, for the link's host; the host's own trusted CAs do not
// count, and there is no other check to fall back to.
func Fetch(ctx context.Context, link string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*bundle.Bundle, error) {
	u, pin, err := parseLink(link)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	req := (&http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: http.Header{}}).WithContext(ctx)
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dial, TLSClientConfig: pinned(u.Hostname(), pin), DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching the bundle from %q: %w", u.Host, plain.WithoutURL(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		page, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		reason := plain.Line(strings.TrimSpace(string(page)))
		if reason != "" {
			reason = ": " + reason
		}
		return nil, fmt.Errorf("fetching the bundle from %q: %w: %s%s\nhint: a link works once and for a limited time; make another with \"tccloud bundle ENV --link\"",
			u.Host, ErrLink, plain.Line(res.Status), reason)
	}
	b, err := bundle.Read(res.Body)
	if err != nil {
		return nil, fmt.Errorf("fetching the bundle from %q: %w", u.Host, err)
	}
	return b, nil
}

// CheckLink returns what can be seen to be wrong with a link without following it.
func CheckLink(link string) error {
	_, _, err := parseLink(link)
	return err
}

func parseLink(link string) (*url.URL, []byte, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, nil, fmt.Errorf("%w: want https://…#%s…", ErrLink, pinKey)
	}
	text, ok := strings.CutPrefix(u.Fragment, pinKey)
	pin, err := hex.DecodeString(text)
	if !ok || err != nil || len(pin) != sha256.Size {
		return nil, nil, fmt.Errorf("%w: its end, #%s and 64 hex digits, is missing: copy the whole link, in quotes", ErrLink, pinKey)
	}
	u.Fragment = ""
	return u, pin, nil
}

// pinned verifies with one root: the certificate with the digest in the presented chain. crypto/tls
// needs its roots before the handshake, but this one comes with the handshake. So the standard
// verification, which could only refuse, is off, and all of it is done here.
func pinned(host string, pin []byte) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below does it
		VerifyConnection: func(s tls.ConnectionState) error {
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			found := false
			for _, c := range s.PeerCertificates {
				if sum := sha256.Sum256(c.Raw); string(sum[:]) == string(pin) {
					roots.AddCert(c)
					found = true
				} else {
					between.AddCert(c)
				}
			}
			if !found {
				return ErrPin
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
			if err != nil {
				return fmt.Errorf("%w: %w", ErrPin, err)
			}
			return nil
		},
	}
}
