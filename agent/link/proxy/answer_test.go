package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestParseChallenges(t *testing.T) {
	got := parseChallenges([]string{
		`Basic realm="a, \"b\"", charset = "UTF-8", NTLM`,
		`Negotiate YII=`, ``, `Digest qop="auth,auth-int", nonce="x"`, `,,`,
	})
	want := []challenge{
		{"Basic", `realm="a, \"b\"", charset = "UTF-8"`}, {"NTLM", ""}, {"Negotiate", "YII="}, {"Digest", `qop="auth,auth-int", nonce="x"`},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(challenge{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// legs is a scheme of two answers, as NTLM is.
type legs struct{ said int }

func (l *legs) answer(challenge string) (string, error) {
	l.said++
	switch {
	case l.said == 1 && challenge == "":
		return "Legs one", nil
	case l.said == 2 && challenge == "two":
		return "Legs three", nil
	}
	return "", errRefused
}

// The seam carries schemes that need several answers on one connection, and prefers them to weaker
// ones.
func TestSchemeOfSeveralAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		c, err := l.Accept() // one connection only
		if err != nil {
			return
		}
		br := bufio.NewReader(c)
		for _, step := range []struct{ want, say string }{
			{"", "407 Who\r\nProxy-Authenticate: Basic realm=x, Legs\r\nContent-Length: 4\r\n\r\nwho?"},
			{"Legs one", "407 Who\r\nProxy-Authenticate: Legs two\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n"},
			{"Legs three", "200 OK\r\n\r\nwelcome"},
		} {
			req, err := http.ReadRequest(br)
			if err != nil || req.Header.Get("Proxy-Authorization") != step.want {
				t.Errorf("got %v, %v, want %q", req, err, step.want)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 "+step.say)
		}
		_ = c.Close()
	}()
	d, err := New(Config{Host: "http://" + l.Addr().String(), Username: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	d.schemes = append([]scheme{{name: "legs", new: func(Config) authenticator { return &legs{} }}}, schemes...)
	c, err := d.DialContext(t.Context(), "tcp", "broker.test:62000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if got, err := io.ReadAll(c); string(got) != "welcome" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestBoundHandshake: a handshake that belongs to its connection starts again on the next one,
// once, and never goes on there in the middle.
func TestBoundHandshake(t *testing.T) {
	for name, tt := range map[string]struct {
		breaks int    // connections that end behind the challenge
		bye    string // header by which they say so
		want   Code   // "" = a tunnel
		conns  int
	}{
		"kept":                     {0, "", "", 1},
		"broken once":              {1, "", "", 2},
		"closed once, announced":   {1, "Proxy-Connection: close\r\n", "", 2},
		"broken always":            {100, "", CodeClosed, 2},
		"closed always, announced": {100, "Connection: close\r\n", CodeClosed, 2},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			conns := 0
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					conns++
					step := 0 // of the handshake on this connection
					for br := bufio.NewReader(c); ; {
						req, err := http.ReadRequest(br)
						if err != nil {
							break
						}
						got := req.Header.Get("Proxy-Authorization")
						if step == 1 && got == "Legs three" {
							_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nwelcome")
							break
						}
						offer, bye := "Legs", ""
						if step = 0; got == "Legs one" {
							step, offer = 1, "Legs two"
							if conns <= tt.breaks {
								bye = tt.bye
							}
						} else if got != "" {
							t.Errorf("connection %d: got %q in the middle", conns, got)
						}
						_, _ = io.WriteString(c, "HTTP/1.1 407 Who\r\n"+bye+"Proxy-Authenticate: "+offer+"\r\nContent-Length: 0\r\n\r\n")
						if step == 1 && conns <= tt.breaks {
							break
						}
					}
					_ = c.Close()
				}
			}()
			d, err := New(Config{Host: "http://" + l.Addr().String(), Username: "u", Password: "p"})
			if err != nil {
				t.Fatal(err)
			}
			d.schemes = append([]scheme{{name: "legs", bound: true, new: func(Config) authenticator { return &legs{} }}}, schemes...)
			c, err := d.DialContext(t.Context(), "tcp", "broker.test:62000")
			if err == nil {
				if got, err := io.ReadAll(c); string(got) != "welcome" {
					t.Errorf("got %q, %v", got, err)
				}
				_ = c.Close()
			}
			_ = l.Close()
			<-ended
			e, _ := errors.AsType[*Error](err)
			if e != nil && !strings.Contains(e.Error(), "the proxy closes the connection in the middle of the login") {
				t.Errorf("got %v", e)
			}
			if (tt.want == "") != (err == nil) || e != nil && (e.Code != tt.want || e.Hint() == Hints[tt.want]) || conns != tt.conns {
				t.Errorf("got %v over %d connections, want %q over %d", err, conns, tt.want, tt.conns)
			}
		})
	}
}

// A proxy's answer is read without panic, within bounds, whatever it is and however it arrives;
// what follows a 2xx is kept.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\nrest",
		"HTTP/1.0 200 OK\nContent-Length: 3\n\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
		"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"a,b\", NTLM\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<titl\r\n0\r\n\r\n",
		"\x15\x03\x01\x00\x02\x02\x46", "SSH-2.0-x\r\n", "", "HTTP/1.1 200", "HTTP/1.1 999999 x\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		read := func(r io.Reader) (answer, []byte, error) {
			a := newAnswers(r)
			ans, err := a.next()
			if err != nil || ans.status/100 != 2 {
				return ans, nil, err
			}
			follows, _ := io.ReadAll(r)
			return ans, append(a.rest(), follows...), nil
		}
		ans, rest, err := read(bytes.NewReader(in))
		if err != nil {
			return
		}
		if ans.status < 0 || len(oneLine(ans.words)) > maxReason {
			t.Errorf("status %d, reason of %d bytes", ans.status, len(oneLine(ans.words)))
		}
		if !bytes.HasSuffix(in, rest) {
			t.Errorf("%q is not the end of %q", rest, in)
		}
		// In single bytes it is the same answer.
		slow, slowRest, err := read(iotest.OneByteReader(bytes.NewReader(in)))
		if err != nil || slow.status != ans.status || slow.words != ans.words || !bytes.Equal(slowRest, rest) {
			t.Errorf("byte by byte: %+v %q %v, at once: %+v %q", slow, slowRest, err, ans, rest)
		}
	})
}

// A proxy's reason is what its page says to people, without what it has for browsers, and where a
// redirect leads without what may be secret of that.
func TestReason(t *testing.T) {
	const squid = "ERROR: The requested URL could not be retrieved"
	for name, tt := range map[string]struct{ status, header, body, want string }{
		"a title":              {"403 Forbidden", "", "<html><head><title>Access &amp; Denied</title></head><body>no</body></html>", "Forbidden; Access & Denied"},
		"squid":                {"503 Service Unavailable", "X-Squid-Error: ERR_CONNECT_FAIL 111\r\n", "<html><head>\n<TITLE>" + squid + "</TITLE>", "Service Unavailable; ERR_CONNECT_FAIL 111; " + squid},
		"no title":             {"502 Bad Gateway", "", "<html><style>b{}</style><body><h1>Name resolution\nfailed</h1> for &quot;x&quot;</body></html>", `Bad Gateway; Name resolution failed for "x"`},
		"a title of its own":   {"502 Bad Gateway", "", "<html><title>502 Bad Gateway</title><body><h1>502 Bad Gateway</h1>category: unknown</body></html>", "Bad Gateway; 502 Bad Gateway 502 Bad Gateway category: unknown"},
		"the status again":     {"502 Bad Gateway", "", "<p>Bad Gateway</p>", "Bad Gateway"},
		"plain":                {"403 Forbidden", "", "not for you\nreally\n", "Forbidden; not for you"},
		"a redirect":           {"302 Found", "Location: https://login.example/in?ticket=s3cret\r\n", "", "Found; it leads to https://login.example"},
		"a redirect to a path": {"302 Found", "Location: /in\r\n", "", "Found"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAnswers(strings.NewReader(fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", tt.status, tt.header, len(tt.body), tt.body)))
			if ans, err := a.next(); err != nil || oneLine(ans.words) != tt.want {
				t.Errorf("got %q, %v; want %q", oneLine(ans.words), err, tt.want)
			}
		})
	}
}
