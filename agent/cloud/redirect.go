package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// errElsewhere is the error of a redirect that is not followed.
var errElsewhere = errors.New("the API leads elsewhere")

// maxRedirects bounds the redirects of one request.
const maxRedirects = 10

// private returns a client that sends the token to the API only. It follows a redirect to another
// host or port without the token, and only for downloads; it refuses one to a URL without TLS.
func (c *Client) private(plain *http.Client, home *url.URL) *http.Client {
	private := *plain
	next := private.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	private.Transport = authorized{home.Host, c, next}
	private.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		switch {
		case r.URL.Scheme != "https":
			return fmt.Errorf("%w: %q is not https", errElsewhere, r.URL.Scheme+"://"+r.URL.Host)
		case r.URL.Host != home.Host && r.Method != http.MethodGet:
			return fmt.Errorf("%w: what is sent to it is not for %q", errElsewhere, r.URL.Host)
		case len(via) >= maxRedirects:
			return fmt.Errorf("%w: %d times", errElsewhere, maxRedirects)
		}
		return nil
	}
	return &private
}

type authorized struct {
	host string
	c    *Client
	next http.RoundTripper
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (a authorized) CloseIdleConnections() {
	if t, ok := a.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" && r.URL.Host == a.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+a.c.token)
	}
	return a.next.RoundTrip(r)
}
