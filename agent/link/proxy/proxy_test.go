package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/proxy"
	"tcenvsvr/agent/link/proxy/proxytest"
)

const (
	user     = "agent"
	password = "pr0xy-secret"
)

func TestSettings(t *testing.T) {
	tests := map[string]struct {
		conf proxy.Config
		want string // URL, "" = direct
		err  string
	}{
		"none":              {proxy.Config{}, "", ""},
		"port only":         {proxy.Config{Port: 8080}, "", ""},
		"bare name":         {proxy.Config{Host: "proxy.corp", Port: 8080}, "http://proxy.corp:8080", ""},
		"usual port":        {proxy.Config{Host: "proxy.corp"}, "http://proxy.corp:3128", ""},
		"name and port":     {proxy.Config{Host: "proxy.corp:8080"}, "http://proxy.corp:8080", ""},
		"setting wins":      {proxy.Config{Host: "http://proxy.corp:1/", Port: 8080}, "http://proxy.corp:8080", ""},
		"https":             {proxy.Config{Host: "HTTPS://proxy.corp"}, "https://proxy.corp:443", ""},
		"socks5":            {proxy.Config{Host: "socks5://10.0.0.1"}, "socks5://10.0.0.1:1080", ""},
		"socks5h":           {proxy.Config{Host: "socks5h://10.0.0.1"}, "socks5://10.0.0.1:1080", ""},
		"IPv6":              {proxy.Config{Host: "fd00::1", Port: 8080}, "http://[fd00::1]:8080", ""},
		"login in the URL":  {proxy.Config{Host: "http://agent:pr0xy-secret@proxy.corp:8080"}, "http://proxy.corp:8080", ""},
		"scheme":            {proxy.Config{Host: "ftp://proxy.corp"}, "", `proxyHost has scheme "ftp", want http, https or socks5`},
		"path":              {proxy.Config{Host: "http://agent:pr0xy-secret@proxy.corp/pac"}, "", "more than a host"},
		"port out of range": {proxy.Config{Host: "proxy.corp", Port: 70000}, "", "proxyPort 70000 is outside 1–65535"},
		"no URL":            {proxy.Config{Host: "http://agent:pr0xy-secret%@proxy.corp"}, "", "proxyHost is not"},
		"no host":           {proxy.Config{Host: "http://:8080"}, "", "proxyHost names no host"},
	}
	for name, tt := range tests {
		d, err := proxy.New(tt.conf)
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), password) {
				t.Errorf("%s: got %v, want %q", name, err, tt.err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case d.String() != tt.want:
			t.Errorf("%s: got %q, want %q", name, d, tt.want)
		}
	}
	secret := proxy.Config{Host: "proxy.corp", Username: user, Password: password}
	if s := fmt.Sprintf("%v %+v %#v %s %v", secret, secret, secret, secret, secret.LogValue()); strings.Contains(s, password) {
		t.Errorf("a formatted Config shows the password: %s", s)
	}
}

// echo is a target that repeats what it is told.
func echo(t *testing.T) string {
	return listen(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
}

// listen serves TCP connections until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer func() { _ = c.Close() }(); serve(c) }()
		}
	}()
	return l.Addr().String()
}

func dialer(t *testing.T, c proxy.Config) *proxy.Dialer {
	t.Helper()
	d, err := proxy.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// works proves that a connection carries bytes both ways.
func works(t *testing.T, d *proxy.Dialer, target string) {
	t.Helper()
	c, err := d.DialContext(t.Context(), "tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "hello\n" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestEveryScheme(t *testing.T) {
	ca := linktest.NewCA(t, "proxy CA")
	target := echo(t)
	_, port, _ := net.SplitHostPort(target)
	hosts := map[string]string{"target.test": "127.0.0.1"}
	for _, login := range []bool{false, true} {
		o := proxytest.Options{Hosts: hosts}
		if login {
			o.Username, o.Password = user, password
		}
		overTLS := o
		overTLS.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1")}}
		for name, p := range map[string]*proxytest.Proxy{
			"http": proxytest.HTTP(t, o), "https": proxytest.HTTP(t, overTLS), "socks5": proxytest.SOCKS5(t, o),
		} {
			t.Run(fmt.Sprintf("%s/login=%v", name, login), func(t *testing.T) {
				d := dialer(t, proxy.Config{Host: p.URL(), Username: o.Username, Password: o.Password,
					TLS: func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil }})
				works(t, d, "target.test:"+port) // a name that only the proxy knows
				works(t, d, target)
				if got := p.Targets(); len(got) != 2 || got[0] != "target.test:"+port {
					t.Errorf("the proxy opened %q", got)
				}
			})
		}
	}
	t.Run("direct", func(t *testing.T) { works(t, dialer(t, proxy.Config{}), target) })
}

// The login is told when asked for, and from then on at once.
func TestLoginIsRemembered(t *testing.T) {
	p := proxytest.HTTP(t, proxytest.Options{Username: user, Password: password})
	d := dialer(t, proxy.Config{Host: p.URL(), Username: user, Password: password})
	target := echo(t)
	for n, want := range []int{2, 3, 4} {
		works(t, d, target)
		if got := p.Requests(); got != want {
			t.Errorf("after %d connections the proxy had %d requests, want %d", n+1, got, want)
		}
	}
}

func TestSquid(t *testing.T) {
	url, log := proxytest.Squid(t, user, password)
	target := echo(t)
	works(t, dialer(t, proxy.Config{Host: url, Username: user, Password: password}), target)
	for name, c := range map[string]proxy.Config{
		"wrong password": {Host: url, Username: user, Password: "wr0ng-secret"},
		"no login":       {Host: url},
	} {
		_, err := dialer(t, c).DialContext(t.Context(), "tcp", target)
		e, ok := errors.AsType[*proxy.Error](err)
		if !ok || e.Code != proxy.CodeAuth || e.Status != 407 || strings.Join(e.Offers, " ") != "Basic" ||
			!strings.Contains(e.Hint(), "proxyPassword") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v (%+v)", name, err, e)
		}
	}
	// Squid cannot reach what does not listen, and says so.
	_, err := dialer(t, proxy.Config{Host: url, Username: user, Password: password}).DialContext(t.Context(), "tcp", closedPort(t))
	if e, ok := errors.AsType[*proxy.Error](err); !ok || e.Code != proxy.CodeTarget || !strings.Contains(e.Reason, "ERR_CONNECT_FAIL") {
		t.Errorf("unreachable target: got %v", err)
	}
	if !strings.Contains(log(), "CONNECT "+target) {
		t.Errorf("squid's log is %s", log())
	}
}

// TestClosedBehind407: a proxy may close the connection that carried its 407 at any moment and in
// any way, without saying so. The login goes over a new one, and what is wrong is told as ever.
func TestClosedBehind407(t *testing.T) {
	ca := linktest.NewCA(t, "proxy CA")
	target := echo(t)
	for name, after := range map[string]func(c net.Conn, br *bufio.Reader) bool{
		"at once": func(net.Conn, *bufio.Reader) bool { return true },
		"by a reset": func(c net.Conn, _ *bufio.Reader) bool {
			if tc, ok := c.(*net.TCPConn); ok {
				_ = tc.SetLinger(0)
			}
			return true
		},
		"when the login has come": func(_ net.Conn, br *bufio.Reader) bool { _, _ = http.ReadRequest(br); return true },
		"in mid-answer": func(c net.Conn, br *bufio.Reader) bool {
			_, _ = http.ReadRequest(br)
			_, _ = io.WriteString(c, "HTTP/1.1 20")
			return true
		},
		"with more than it said": func(c net.Conn, _ *bufio.Reader) bool { _, _ = io.WriteString(c, "</html>\n\n"); return false },
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				o := proxytest.Options{Username: user, Password: password, After407: after}
				if scheme == "https" {
					o.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1")}}
				}
				p := proxytest.HTTP(t, o)
				c := proxy.Config{Host: p.URL(), Username: user, Password: password,
					TLS: func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil }}
				works(t, dialer(t, c), target)
				c.Password = "wr0ng-secret"
				_, err := dialer(t, c).DialContext(t.Context(), "tcp", target)
				if e, ok := errors.AsType[*proxy.Error](err); !ok || e.Code != proxy.CodeAuth || e.Status != 407 {
					t.Errorf("wrong password: got %v", err)
				}
			})
		}
	}
	t.Run("never, with a body without end", func(t *testing.T) {
		var asked atomic.Int64
		addr := listen(t, func(c net.Conn) {
			br := bufio.NewReader(c)
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			if asked.Add(1) > 1 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				_, _ = io.Copy(c, br)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\n\r\nwho are you?")
			_, _ = io.Copy(io.Discard, br)
		})
		works(t, dialer(t, proxy.Config{Host: "http://" + addr, Username: user, Password: password}), target)
	})
}

// TestSquidThatCloses: without persistent connections squid closes behind every answer.
func TestSquidThatCloses(t *testing.T) {
	url, log := proxytest.Squid(t, user, password, "client_persistent_connections off")
	target := echo(t)
	d := dialer(t, proxy.Config{Host: url, Username: user, Password: password})
	for range 3 {
		works(t, d, target)
	}
	if !strings.Contains(log(), "CONNECT "+target) {
		t.Errorf("squid's log is %s", log())
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// answering is a proxy that says text to whatever is asked.
func answering(t *testing.T, text string) string {
	return listen(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, text)
	})
}

func TestNamedErrors(t *testing.T) {
	ca := linktest.NewCA(t, "proxy CA")
	secure := proxytest.HTTP(t, proxytest.Options{TLS: &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1")}}})
	strict := proxytest.SOCKS5(t, proxytest.Options{Username: user, Password: password})
	closed := closedPort(t)
	banner := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n"); _, _ = io.Copy(io.Discard, c) })
	endless := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-Filler: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	pair := "YWdlbnQ6cHIweHktc2VjcmV0" // base64 of user:password
	tests := map[string]struct {
		host   string
		code   proxy.Code
		reason string // in the error
		hint   string
	}{
		"refused":            {"http://" + closed, proxy.CodeRefused, "connection refused", "proxyPort"},
		"407, no scheme":     {answering(t, "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM, Negotiate\r\nContent-Length: 0\r\n\r\n"), proxy.CodeAuth, "offers NTLM, Negotiate", "Basic"},
		"403":                {answering(t, "HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Length: 32\r\n\r\n<TITLE>Blocked by IT</TITLE>     "), proxy.CodeForbidden, "Forbidden; ERR_ACCESS_DENIED 0; Blocked by IT", "allow CONNECT"},
		"secrets at the cut": {answering(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 311\r\n\r\n"+strings.Repeat("x", 280)+" "+pair+"      "), proxy.CodeForbidden, " [reda", ""},
		"secrets repeated":   {answering(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 37\r\n\r\nyou sent "+pair+" "+"abc"), proxy.CodeForbidden, "you sent [redacted]", ""},
		"502":                {answering(t, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nno such DNS"), proxy.CodeTarget, "Bad Gateway; no such DNS", "brokerHost"},
		"405":                {answering(t, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"), proxy.CodeStatus, "405", ""},
		"closed early":       {answering(t, ""), proxy.CodeClosed, "closed the connection", "CONNECT"},
		"half an answer":     {answering(t, "HTTP/1.1 200 O"), proxy.CodeClosed, "closed the connection", ""},
		"header too large":   {endless, proxy.CodeTooLarge, "the header is larger than 64 KiB", ""},
		"no HTTP":            {banner, proxy.CodeNotHTTP, "the answer is not HTTP", "scheme"},
		"TLS, not asked for": {answering(t, "\x15\x03\x01\x00\x02\x02\x46"), proxy.CodeNotHTTP, "the answer is TLS, not HTTP", "https://"},
		"no TLS":             {"https://" + banner, proxy.CodeTLS, "", "http://"},
		"unknown CA":         {secure.URL(), proxy.CodeTLS, "unknown authority", "CA"},
		"no SOCKS":           {"socks5://" + listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 64)) }), proxy.CodeClosed, "", ""},
		"SOCKS is HTTP":      {"socks5://" + banner, proxy.CodeNotSOCKS, "protocol version", "scheme"},
		"SOCKS refused":      {"socks5://" + closed, proxy.CodeRefused, "", ""},
		"SOCKS login":        {strict.URL(), proxy.CodeAuth, "authentication failed", "proxyPassword"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pw := password
			if name == "SOCKS login" {
				pw = "wr0ng-secret"
			}
			d := dialer(t, proxy.Config{Host: tt.host, Username: user, Password: pw})
			c, err := d.DialContext(t.Context(), "tcp", "broker.test:62000")
			if err == nil {
				_ = c.Close()
			}
			e, ok := errors.AsType[*proxy.Error](err)
			if !ok || e.Code != tt.code {
				t.Fatalf("got %v (%+v), want %s", err, e, tt.code)
			}
			if !strings.Contains(err.Error(), tt.reason) || e.Hint() == "" || !strings.Contains(e.Hint(), tt.hint) && tt.code != proxy.CodeTarget {
				t.Errorf("error %q with hint %q, want %q and %q", err, e.Hint(), tt.reason, tt.hint)
			}
			for _, secret := range []string{password, pair, pair[:12], "wr0ng-secret"} {
				if strings.Contains(err.Error()+e.Hint(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// What no login can open is said at once, not after the user has set one.
func TestNoSchemeIsSaidBeforeALogin(t *testing.T) {
	for _, name := range []string{"", user} {
		d := dialer(t, proxy.Config{Host: answering(t, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=x, NTLM\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"), Username: name, Password: password})
		_, err := d.DialContext(t.Context(), "tcp", "broker.test:62000")
		e, _ := errors.AsType[*proxy.Error](err)
		if e == nil || !strings.Contains(e.Hint(), "by Digest or NTLM or Negotiate, and this program can log in by Basic only") {
			t.Errorf("as %q: got %v", name, err)
		}
	}
}

// Every code has a hint.
func TestHints(t *testing.T) {
	for _, c := range []proxy.Code{proxy.CodeDNS, proxy.CodeRefused, proxy.CodeTimeout, proxy.CodeUnreachable, proxy.CodeDial, proxy.CodeTLS, proxy.CodeAuth,
		proxy.CodeForbidden, proxy.CodeTarget, proxy.CodeStatus, proxy.CodeClosed, proxy.CodeTooLarge, proxy.CodeNotHTTP, proxy.CodeNotSOCKS} {
		if proxy.Hints[c] == "" {
			t.Errorf("%s has no hint", c)
		}
	}
}

// What the target sends with the proxy's answer in one packet is kept.
func TestBytesBehindTheAnswerAreKept(t *testing.T) {
	d := dialer(t, proxy.Config{Host: answering(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthe target speaks first")})
	c, err := d.DialContext(t.Context(), "tcp", "broker.test:62000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if got, err := io.ReadAll(c); string(got) != "the target speaks first" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A proxy that says nothing holds nobody for longer than the timeout, or than the caller wants.
func TestSilentProxy(t *testing.T) {
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, scheme := range []string{"http://", "https://", "socks5://"} {
		_, err := dialer(t, proxy.Config{Host: scheme + silent, Timeout: 20 * time.Millisecond}).DialContext(t.Context(), "tcp", "broker.test:62000")
		if e, ok := errors.AsType[*proxy.Error](err); !ok || e.Code != proxy.CodeTimeout || !strings.HasSuffix(err.Error(), ": no answer in time") {
			t.Errorf("%s: got %v", scheme, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := dialer(t, proxy.Config{Host: scheme + silent}).DialContext(ctx, "tcp", "broker.test:62000"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled gives %v", scheme, err)
		}
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	p := proxytest.HTTP(t, proxytest.Options{})
	for _, target := range []string{"", "broker", "broker:", ":1", "a b:1", "a\r\nX: y:1", "a/b:1"} {
		if _, err := dialer(t, proxy.Config{Host: p.URL()}).DialContext(t.Context(), "tcp", target); err == nil {
			t.Errorf("%q: no error", target)
		}
	}
	if _, err := dialer(t, proxy.Config{Host: p.URL()}).DialContext(t.Context(), "udp", "dns.test:53"); err == nil || !strings.Contains(err.Error(), `through a proxy: network "udp" is not TCP`) {
		t.Errorf("UDP: %v", err)
	}
	if p.Requests() != 0 {
		t.Error("the proxy was asked")
	}
}

// The two other users of a Dialer: the HTTPS API and gorilla.
func TestWithHTTPAndGorilla(t *testing.T) {
	p := proxytest.HTTP(t, proxytest.Options{Username: user, Password: password})
	d := dialer(t, proxy.Config{Host: p.URL(), Username: user, Password: password})
	var u websocket.Upgrader
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, "ok")
		} else if ws, err := u.Upgrade(w, r, nil); err == nil {
			_ = ws.Close()
		}
	}))
	defer srv.Close()
	trusted := srv.Client().Transport.(*http.Transport).TLSClientConfig
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, TLSClientConfig: trusted.Clone()}}
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	client.CloseIdleConnections()

	conf := trusted.Clone()
	conf.NextProtos = []string{"http/1.1"}
	ws, _, err := (&websocket.Dialer{NetDialContext: d.DialContext, TLSClientConfig: conf}).Dial("wss"+strings.TrimPrefix(srv.URL, "https"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.Close()
	if n := len(p.Targets()); n != 2 {
		t.Errorf("%d connections went through the proxy, want 2", n)
	}
}
