package upstream_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/app/api/upstream/upstreamtest"
)

// passage is an Upstream behind a server, as Apps see it.
type passage struct {
	t      *testing.T
	url    string
	passed chan upstream.Passed
	log    *bytes.Buffer
}

func credentials(t *testing.T, text string) upstream.Credentials {
	t.Helper()
	c, err := upstream.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const apiUser = "TC_API_ACCESS_ID=" + upstreamtest.AccessID + "\nTC_API_SECRET_KEY=" + upstreamtest.SecretKey + "\n"

func newPassage(t *testing.T, to *upstreamtest.Instance, change ...func(*upstream.Config)) *passage {
	t.Helper()
	p := &passage{t: t, passed: make(chan upstream.Passed, 100), log: new(bytes.Buffer)}
	cfg := upstream.Config{
		URL: to.URL(), CA: to.CA(), Credentials: credentials(t, apiUser),
		Passed: func(_ context.Context, run string, x upstream.Passed) {
			if run != "run" {
				t.Errorf("run %q", run)
			}
			p.passed <- x
		},
		Logger: slog.New(slog.NewTextHandler(p.log, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	u, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(leftover.Drain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.Serve(w, r, "run") })))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *passage) ask(method, path string, body io.Reader, header ...string) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res, string(text)
}

// noSecret fails if a text has one.
func noSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{upstreamtest.SecretKey, upstreamtest.Token, "secret-session", "p4ss", base64.StdEncoding.EncodeToString([]byte("user:p4ss"))} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has a secret: %s", where, text)
		}
	}
}

func TestPass(t *testing.T) {
	to := upstreamtest.New(t)
	var seen http.Header
	to.Before = func(_ http.ResponseWriter, r *http.Request) bool { seen = r.Header.Clone(); return false }
	p := newPassage(t, to)
	res, text := p.ask("GET", "/v2/owners?resultLimit=5&name=a%20b%2Fc", nil, "Authorization", "TC-Token ours", "Cookie", "ours=1", "X-Forwarded-For", "10.0.0.1", "User-Agent", "TcEx/4.0.6", "DB-Method", "GET")
	if res.StatusCode != 200 || !strings.Contains(text, "Instance") {
		t.Errorf("got %s %s", res.Status, text)
	}
	for name, want := range map[string]string{"Cookie": "", "X-Forwarded-For": "", "User-Agent": "TcEx/4.0.6", "Db-Method": "GET"} {
		if got := seen.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if strings.Contains(fmt.Sprint(seen), "ours") {
		t.Errorf("the instance sees %v", seen)
	}
	if res.Header.Get("Set-Cookie") != "" {
		t.Error("the App gets the instance's session")
	}
	if x := <-p.passed; x.Method != "GET" || x.Path != "/v2/owners" || x.Status != 200 || x.Received != int64(len(text)) || x.Error != "" {
		t.Errorf("passed: %+v", x)
	}
	// An indicator in the path, escaped in its own way, and a token in place of the HMAC.
	for _, text := range []string{apiUser, "TC_TOKEN=" + upstreamtest.Token} {
		p = newPassage(t, to, func(c *upstream.Config) { c.Credentials = credentials(t, text) })
		for _, path := range []string{"/v2/indicators/urls/http%3A%2F%2Fexample.com%2F%3Fa%3Db", "/v2/indicators/hosts/a+b~c!'()*", "/v3/indicators?tql=typeName%20in%20(%22Host%22)&fields=tags"} {
			if res, text := p.ask("GET", path, nil); res.StatusCode == 403 {
				t.Errorf("%s: %s %s", path, res.Status, text)
			}
		}
	}
	if len(to.Denied) > 0 {
		t.Errorf("denied: %q", to.Denied)
	}
}

// TestStreams: both directions go on while the other does, and what is compressed stays so.
func TestStreams(t *testing.T) {
	to := upstreamtest.New(t)
	to.Before = func(w http.ResponseWriter, r *http.Request) bool {
		_ = http.NewResponseController(w).EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "got %s\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
		return true
	}
	p := newPassage(t, to)
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "POST /v2/batch/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	answer := bufio.NewReader(c)
	for n := range 3 {
		fmt.Fprintf(c, "7\r\nline %d\n\r\n", n)
		for {
			line, err := answer.ReadString('\n')
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			if line == fmt.Sprintf("got line %d\n", n) {
				break
			}
		}
	}
	fmt.Fprintf(c, "0\r\n\r\n")
	if x := <-p.passed; x.Sent != 21 || x.Received != 33 {
		t.Errorf("passed: %+v", x)
	}

	to.Before = nil
	create, _ := p.ask("POST", "/v2/batch", strings.NewReader(`{"owner":"o"}`))
	if create.StatusCode != 201 {
		t.Fatal(create.Status)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"indicator":[{"summary":"a"},{"summary":"b"}]}`)
	_ = z.Close()
	if res, text := p.ask("POST", "/v2/batch/1", &b, "Content-Encoding", "gzip"); res.StatusCode != 202 || len(to.Seen) != 2 {
		t.Errorf("got %s %s, seen %v", res.Status, text, to.Seen)
	}
}

// TestRefused: what would hand out rights, and what the instance might read as such.
func TestRefused(t *testing.T) {
	to := upstreamtest.New(t)
	p := newPassage(t, to)
	for _, path := range []string{
		"/v3/token/api", "/v3/TOKEN/api", "/v3/%74oken/api", "/v3/token;x/api", "/v3/./token/api", "/v3/%2e/token/api", "/v3//token/api",
		"/v3/indicators/../token/api", "/v3/indicators/%2e%2e/token/api", "/v3/indicators/..%2ftoken%2fapi", "/v3/indicators/..;/token/api",
		"/v3/indicators/%252e%252e%252ftoken", "/v3/indicators/..%5ctoken", "/v3/apps/exchange/install", "/v3/job/executions", "/v2/logs/app",
		"/internal/token/api", "/v4/indicators", "/v2", "/", "/v2/owners/%0d%0aX-A:b",
	} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", p.url, nil)
		r.URL.Opaque = strings.TrimPrefix(p.url, "http:") + path
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if len(to.Requests) > 0 || len(p.passed) > 0 {
		t.Errorf("the instance got %v", to.Requests)
	}
}

func TestFailures(t *testing.T) {
	to := upstreamtest.New(t)
	elsewhere := upstreamtest.New(t)
	p := newPassage(t, to)
	for name, tt := range map[string]struct {
		before func(w http.ResponseWriter, r *http.Request)
		status int
		text   string
	}{
		"another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL()+"/api/v2/owners", http.StatusFound)
		}, 502, "not followed"},
		"a login": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?secret-session", http.StatusTemporaryRedirect)
		}, 502, "not followed"},
		"busy":      {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "1"); w.WriteHeader(503) }, 503, ""},
		"too often": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, 429, ""},
		"denied":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, 403, "clock"},
		"gone":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502, "does not answer"},
	} {
		to.Lock()
		to.Before = func(w http.ResponseWriter, r *http.Request) bool { tt.before(w, r); return true }
		to.Unlock()
		res, text := p.ask("POST", "/v2/batch", strings.NewReader("{}"))
		if res.StatusCode != tt.status || !strings.Contains(text, tt.text) || res.Header.Get("Location") != "" {
			t.Errorf("%s: %s %s %v", name, res.Status, text, res.Header)
		}
		noSecret(t, name, text+fmt.Sprint(res.Header))
		<-p.passed
	}
	if n := len(elsewhere.Requests) + len(elsewhere.Denied); n > 0 {
		t.Errorf("another host got %d requests", n)
	}
	to.Lock()
	to.Before = func(w http.ResponseWriter, _ *http.Request) bool { // an answer that is cut off is not complete
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	to.Unlock()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", p.url+"/v2/owners", nil)
	if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Error("an answer that was cut off looks complete")
		}
		_ = res.Body.Close()
	}
	if x := <-p.passed; x.Error == "" {
		t.Errorf("passed: %+v", x)
	}
	to.Kill()
	if res, text := p.ask("GET", "/v2/owners", nil); res.StatusCode != 502 {
		t.Errorf("a dead instance: %s %s", res.Status, text)
	}

	// A certificate from a CA that was not given, and credentials that are wrong.
	other := newPassage(t, elsewhere, func(c *upstream.Config) { c.CA = nil })
	if res, text := other.ask("GET", "/v2/owners", nil); res.StatusCode != 502 || len(elsewhere.Requests) > 0 {
		t.Errorf("an unknown CA: %s %s", res.Status, text)
	}
	wrong := newPassage(t, elsewhere, func(c *upstream.Config) {
		c.Credentials = credentials(t, "TC_API_ACCESS_ID=1\nTC_API_SECRET_KEY=p4ss")
	})
	if res, text := wrong.ask("GET", "/v2/owners", nil); res.StatusCode != 403 || len(elsewhere.Denied) != 1 {
		t.Errorf("wrong credentials: %s %s", res.Status, text)
	}
	for _, p := range []*passage{p, other, wrong} {
		noSecret(t, "the log", p.log.String())
	}
}

// TestProxy: the proxy's credentials are for the proxy, the instance's for the instance.
func TestProxy(t *testing.T) {
	to := upstreamtest.New(t)
	asked := make(chan *http.Request, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		if _, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); password != "p4ss" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, _ := http.NewResponseController(w).Hijack()
		fmt.Fprint(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	}))
	defer proxy.Close()
	address, _ := url.Parse(proxy.URL)
	for text, want := range map[string]int{apiUser + "TC_PROXY_USERNAME=user\nTC_PROXY_PASSWORD=p4ss\n": 200, apiUser: 502} {
		p := newPassage(t, to, func(c *upstream.Config) { c.Proxy, c.Credentials = address, credentials(t, text) })
		res, body := p.ask("GET", "/v2/owners", nil)
		if res.StatusCode != want {
			t.Errorf("got %s %s, want %d", res.Status, body, want)
		}
		noSecret(t, "the answer", body)
		noSecret(t, "the log", p.log.String())
		if r := <-asked; r.Method != http.MethodConnect || r.Header.Get("Authorization")+r.Header.Get("Timestamp") != "" {
			t.Errorf("the proxy sees %s %v", r.Method, r.Header)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := credentials(t, apiUser)
	for _, bad := range []string{"", "http://host", "host", "https://", "https://user:p4ss@host", "https://host/api?x=y", "https://host/a%70i", "https://host/#x"} {
		_, err := upstream.New(upstream.Config{URL: bad, Credentials: c})
		refused(t, bad, err, "the address of the platform is not https://host[:port][/api], without a user")
	}
	for _, bad := range []string{"", "host:3128", "socks5://user:p4ss@host:1080", "http://"} {
		proxy, err := url.Parse(bad)
		if err != nil {
			t.Fatal(err)
		}
		_, err = upstream.New(upstream.Config{URL: "https://host", Credentials: c, Proxy: proxy})
		refused(t, bad, err, "the proxy for the platform is not http://host:port or https://host:port")
	}
	for _, bad := range []string{"", "p4ss", "-----BEGIN PRIVATE KEY-----\np4ss\n-----END PRIVATE KEY-----\n"} {
		_, err := upstream.New(upstream.Config{URL: "https://host", Credentials: c, CA: []byte(bad)})
		refused(t, bad, err, "the file of CAs for the platform has no certificate")
	}
	for _, good := range []string{"https://host", "https://host/", "https://host/api", "https://host/api/", "https://host:8443/tc/api"} {
		if _, err := upstream.New(upstream.Config{URL: good, Credentials: c}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	u, err := upstream.New(upstream.Config{URL: "https://host", Credentials: c})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"https://host.example/api/v2/owners", "http://host/api/v2/owners", "https://host/internal", "https://host@host.example/api/"} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", other, nil)
		_, err := u.Do(r)
		refused(t, other, err, "asking the platform: the request is for somebody else")
		if r.Header.Get("Authorization") != "" {
			t.Errorf("a request for %s was signed", other)
		}
	}
	_, err = u.Request(t.Context(), "GET", "/v2/owners\r\nX-A: b")
	refused(t, "a line break", err, "it is no path")
}

func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", name, err, want)
		return
	}
	noSecret(t, name, err.Error())
}

func TestCredentials(t *testing.T) {
	const notAll, notLine = "give TC_API_ACCESS_ID and TC_API_SECRET_KEY, or TC_TOKEN",
		" is not NAME=VALUE with one of the names TC_API_ACCESS_ID, TC_API_SECRET_KEY, TC_TOKEN, TC_PROXY_USERNAME and TC_PROXY_PASSWORD, each once"
	for name, tt := range map[string]struct{ text, want string }{
		"nothing": {"", notAll},
		"half":    {"TC_API_ACCESS_ID=p4ss", notAll},
		"both":    {apiUser + "TC_TOKEN=p4ss", notAll},
		"unknown": {"PASSWORD=p4ss", "line 1" + notLine},
		"twice":   {"TC_TOKEN=p4ss\nTC_TOKEN=p4ss", "line 2" + notLine},
		"no name": {"\n#\np4ss", "line 3" + notLine},
		"a tab":   {"TC_TOKEN='a\tp4ss'", "an access id or token has characters that none has"},
		"a colon": {"TC_API_ACCESS_ID=p4ss:\nTC_API_SECRET_KEY=p4ss", "an access id or token has characters that none has"},
		"long":    {"TC_TOKEN=" + strings.Repeat("p4ss", 1<<16), "a line is too long"},
	} {
		c, err := upstream.Parse([]byte(tt.text))
		refused(t, name, err, tt.want)
		noSecret(t, name, fmt.Sprintf("%v %+v %#v", c, c, c))
	}
	c := credentials(t, "# the API user\nexport TC_API_ACCESS_ID='1'\n\nTC_API_SECRET_KEY=\"p4ss\"\n")
	noSecret(t, "printed", fmt.Sprintf("%v %+v %#v %s", c, c, c, errors.New(c.String())))
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte(apiUser), "s3cr3t")
	f.Fuzz(func(t *testing.T, data []byte, secret string) {
		_, without := upstream.Parse(append(data, "\nX="...))
		_, with := upstream.Parse(append(data, "\nX="+strings.ReplaceAll(secret, "\n", "")...))
		if without == nil || with == nil || without.Error() != with.Error() && !strings.Contains(with.Error(), "a line is too long") {
			t.Errorf("the error depends on the value: %q, %q", without, with)
		}
	})
}
