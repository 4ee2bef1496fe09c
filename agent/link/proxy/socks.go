package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"golang.org/x/net/proxy"
)

// socks opens a connection to target through a SOCKS 5 proxy, which gets the target's name as it
// is.
func (d *Dialer) socks(ctx context.Context, target string) (net.Conn, error) {
	var auth *proxy.Auth
	if d.conf.Username != "" {
		auth = &proxy.Auth{User: d.conf.Username, Password: d.conf.Password}
	}
	s, err := proxy.SOCKS5("tcp", d.proxy.addr(), auth, toProxy{d, target})
	if err != nil {
		return nil, d.fail(CodeDial, StepDial, target, err)
	}
	conn, err := s.(proxy.ContextDialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, d.socksError(ctx, target, err)
	}
	return conn, nil
}

// toProxy dials the proxy itself.
type toProxy struct {
	d      *Dialer
	target string
}

func (p toProxy) Dial(string, string) (net.Conn, error) { return nil, errors.ErrUnsupported }

func (p toProxy) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return p.d.dialProxy(ctx, p.target)
}

// socksReasons maps the texts of x/net's SOCKS client, which has no typed errors, to codes.
var socksReasons = []struct {
	text string
	code Code
	hint string
}{
	{"username/password authentication failed", CodeAuth, "the proxy refused the login: check proxyUsername and proxyPassword"},
	{"no acceptable authentication methods", CodeAuth, "the proxy demands a login (or one that is not supported): check proxyUsername and proxyPassword"},
	{"invalid username/password", CodeAuth, "SOCKS takes at most 255 bytes: check proxyUsername and proxyPassword"},
	{"connection not allowed by ruleset", CodeForbidden, ""},
	{"general SOCKS server failure", CodeTarget, ""},
	{"network unreachable", CodeTarget, ""},
	{"host unreachable", CodeTarget, ""},
	{"connection refused", CodeTarget, ""},
	{"TTL expired", CodeTarget, ""},
	{"unexpected protocol version", CodeNotSOCKS, ""},
}

func (d *Dialer) socksError(ctx context.Context, target string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok { // of dialing the proxy
		return e
	}
	// The outer error repeats network and addresses: keep the cause.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "socks connect" {
		err = op.Err
	}
	e := d.fail(CodeClosed, StepConnect, target, err)
	switch {
	case ctx.Err() != nil:
		e.Code, e.Err = CodeTimeout, ctx.Err()
	case isTimeout(err):
		e.Code = CodeTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = errors.New("the proxy closed the connection before its answer was complete")
	default:
		for _, r := range socksReasons {
			if strings.Contains(err.Error(), r.text) {
				e.Code, e.hint = r.code, r.hint
				e.Reason, e.Err = strings.TrimPrefix(err.Error(), "unknown error "), nil
				break
			}
		}
	}
	return e
}
