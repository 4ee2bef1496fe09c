package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxRounds bounds the requests for one tunnel. NTLM and Negotiate need three, and three more if
// the connection breaks meanwhile; one is left for a change of scheme.
const maxRounds = 7

// opening is the conversation for one tunnel. It continues over a new connection if the proxy
// closes the one that carried its 407, announced or not.
type opening struct {
	*Dialer
	target string
	c      *client // nil: to be dialled

	used      *scheme
	auth      authenticator
	value     string // Proxy-Authorization of the next request
	answers   int    // that auth has given
	restarted bool
}

// tunnel opens a connection to target by CONNECT.
func (d *Dialer) tunnel(ctx context.Context, target string) (net.Conn, error) {
	o := &opening{Dialer: d, target: target, used: d.remembered()}
	if o.used != nil {
		o.begin()
	}
	defer func() {
		if o.c != nil {
			o.c.end()
		}
	}()
	for range maxRounds {
		if o.c == nil {
			conn, err := d.dialProxy(ctx, target)
			if err != nil {
				return nil, err
			}
			o.c = newClient(ctx, conn)
		}
		ans, err := o.c.ask(target, o.value)
		switch {
		case err != nil && o.c.challenged && ctx.Err() == nil && !isTimeout(err):
			err = o.lost() // that an old connection broke says nothing about the proxy
		case err != nil:
			err = d.broken(ctx, target, err)
		case ans.status/100 == 2:
			d.remember(o.used)
			return o.release(ctx)
		case ans.status != http.StatusProxyAuthRequired:
			err = d.refusal(target, ans)
		default:
			err = o.challenge(ans)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, d.refusal(target, answer{status: http.StatusProxyAuthRequired, words: "the proxy keeps asking"})
}

// begin starts again with the scheme, whose first answer needs no challenge.
func (o *opening) begin() {
	o.auth = o.used.new(o.conf)
	o.value, _ = o.auth.answer("")
	o.answers = 1
}

// challenge prepares the answer to a 407.
func (o *opening) challenge(ans answer) error {
	o.c.challenged = true
	chosen, params := o.choose(ans.offers)
	if chosen == nil || o.conf.Username == "" {
		return o.refusal(o.target, ans)
	}
	if o.auth == nil || chosen != o.used {
		o.used, o.auth, o.answers = chosen, chosen.new(o.conf), 0
	}
	var err error
	if o.value, err = o.auth.answer(params); err != nil {
		o.remember(nil)
		return o.refusal(o.target, ans)
	}
	o.answers++
	if !ans.reusable {
		return o.lost()
	}
	return nil
}

// lost continues on a new connection. There the answer to a challenge that is bound to the old
// connection is worthless, so such a handshake starts again, once.
func (o *opening) lost() error {
	o.c.end()
	o.c = nil
	if !o.used.bound || o.answers < 2 {
		return nil
	}
	if o.restarted {
		e := o.fail(CodeClosed, StepConnect, o.target, errors.New("the proxy closes the connection in the middle of the login"))
		e.hint = fmt.Sprintf("the login by %s needs one connection from its first step to its last: ask the proxy's administrators to keep connections open", o.used.name)
		return e
	}
	o.restarted = true
	o.begin()
	return nil
}

// release hands the connection over as the tunnel.
func (o *opening) release(ctx context.Context) (net.Conn, error) {
	conn, err := o.c.release()
	o.c = nil
	if err != nil {
		return nil, o.broken(ctx, o.target, err)
	}
	return conn, nil
}

func (d *Dialer) remembered() *scheme {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.worked
}

func (d *Dialer) remember(s *scheme) {
	if s != nil && !s.unasked {
		s = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.worked = s
}

// dialProxy connects to the proxy, with TLS where its scheme is https.
func (d *Dialer) dialProxy(ctx context.Context, target string) (net.Conn, error) {
	conn, err := d.direct(ctx, "tcp", d.proxy.addr())
	if err != nil {
		return nil, d.fail(Code("proxy."+DialReason(err)), StepDial, target, err)
	}
	if d.proxy.scheme != "https" {
		return conn, nil
	}
	conf := &tls.Config{}
	if d.conf.TLS != nil {
		given, err := d.conf.TLS()
		if err != nil {
			_ = conn.Close()
			return nil, d.fail(CodeTLS, StepTLS, target, err)
		}
		conf = given.Clone()
	}
	conf.ServerName = d.proxy.host
	conf.NextProtos = []string{"http/1.1"}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.InsecureSkipVerify = false // there is no switch for this
	tc := tls.Client(conn, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		e := d.fail(CodeTLS, StepTLS, target, err)
		if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			e.hint = "the proxy does not speak TLS on this port: write proxyHost with http:// or check proxyPort"
		}
		if isTimeout(err) {
			e.Code = CodeTimeout
		}
		return nil, e
	}
	return tc, nil
}

// broken classifies an error of the conversation with the proxy.
func (d *Dialer) broken(ctx context.Context, target string, err error) error {
	code, hint := CodeClosed, ""
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
		code = CodeTimeout
	case isTimeout(err):
		code = CodeTimeout
	case errors.Is(err, errHeaderTooLarge):
		code = CodeTooLarge
	case errors.Is(err, errAnsweredTLS):
		code, hint = CodeNotHTTP, "the proxy wants TLS on this port: write proxyHost with https://"
	case errors.Is(err, errNotHTTP):
		code = CodeNotHTTP
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the proxy closed the connection before its answer was complete")
	}
	e := d.fail(code, StepConnect, target, err)
	e.hint = hint
	return e
}

// refusal classifies a status that opens no tunnel.
func (d *Dialer) refusal(target string, ans answer) *Error {
	e := d.fail(CodeStatus, StepConnect, target, nil)
	e.Status, e.Reason = ans.status, oneLine(d.scrub(ans.words))
	switch {
	case ans.status == http.StatusProxyAuthRequired:
		e.Code = CodeAuth
		for _, o := range ans.offers {
			e.Offers = append(e.Offers, oneLine(o.scheme))
		}
		chosen, _ := d.choose(ans.offers)
		switch {
		case chosen == nil && len(ans.offers) > 0: // whatever login is set, it would be in vain
			e.hint = "the proxy demands a login by " + strings.Join(e.Offers, " or ") + ", and this program can log in by " + d.supported() +
				" only: ask its administrators to offer that, or to let this host through without a login"
		case d.conf.Username == "":
			e.hint = "the proxy demands a login: set proxyUsername and proxyPassword"
		default:
			e.hint = "the proxy refused the login: check proxyUsername and proxyPassword"
		}
	case ans.status == http.StatusForbidden:
		e.Code = CodeForbidden
	case ans.status >= 500:
		e.Code = CodeTarget
	}
	return e
}

func (d *Dialer) supported() string {
	var names []string
	for _, s := range d.schemes {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// scrub removes our credentials from the words of a proxy that repeats the request in its error
// page.
func (d *Dialer) scrub(s string) string {
	pair := base64.StdEncoding.EncodeToString([]byte(d.conf.Username + ":" + d.conf.Password))
	for _, secret := range []string{pair, d.conf.Password} {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	return s
}

// client is one connection to an HTTP proxy before it is a tunnel.
type client struct {
	conn       net.Conn
	answers    *answers
	stop       func() bool
	challenged bool // it carried a 407, and the proxy may be about to close it
}

// newClient lets ctx interrupt every read and write on conn.
func newClient(ctx context.Context, conn net.Conn) *client {
	if t, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(t)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return &client{conn: conn, answers: newAnswers(conn), stop: stop}
}

func (c *client) ask(target, authorization string) (answer, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tcenvsvr\r\nProxy-Connection: keep-alive\r\n", target, target)
	if authorization != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: %s\r\n", authorization)
	}
	b.WriteString("\r\n")
	if _, err := c.conn.Write(b.Bytes()); err != nil {
		return answer{}, err
	}
	return c.answers.next()
}

// end closes the connection.
func (c *client) end() {
	c.stop()
	_ = c.conn.Close()
}

// release hands the connection over as the tunnel.
func (c *client) release() (net.Conn, error) {
	if !c.stop() { // ctx ended meanwhile and the deadline is in the past
		_ = c.conn.Close()
		return nil, context.Canceled
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		_ = c.conn.Close()
		return nil, err
	}
	if rest := c.answers.rest(); len(rest) > 0 {
		return &prefixed{Conn: c.conn, rest: rest}, nil
	}
	return c.conn, nil
}

// prefixed is a connection whose first bytes were read already.
type prefixed struct {
	net.Conn
	rest []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.rest) > 0 {
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
