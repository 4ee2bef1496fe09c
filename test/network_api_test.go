package test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAPIAnswersHaveNames puts another server where the API should be, which answers as a balancer
// without a cloud, a login page, a proxy and a cloud that does not know this server do, and looks
// for what is said of it: by doctor, in the log, and in the outcome of an order.
func TestAPIAnswersHaveNames(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newScene(t)
	ca := privateCA(t)
	cert := serverCertificate(t, ca, "localhost")
	c := s.cloud("lab", s.given("with-chain", cert, ca)...)
	s.add(c, "sleep")

	var answers atomic.Pointer[http.HandlerFunc]
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answers.Load())(w, r) }))
	web.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	web.StartTLS()
	defer web.Close()
	page := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<html><head><style>p{}</style></head><body><h1>%d</h1><p>no cloud &amp; no luck</p></body></html>", status)
		}
	}
	for i, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		doctor  string // what its line about the API has
		code    string // of the order that needs the App; "" = it is tried again
		said    string // about the order, or in the log
		silence string // what nobody is to read
	}{
		{name: "no cloud behind the balancer", answer: page(http.StatusBadGateway), doctor: "502 Bad Gateway (api.unavailable)", said: "502 no cloud & no luck"},
		{name: "a login page", answer: page(http.StatusFound, "Location", "https://login.invalid/?ticket=s3cret-ticket"),
			doctor: `302 Found (api.elsewhere), and leads to "https://login.invalid"`, said: "login.invalid", silence: "s3cret-ticket"},
		{name: "a loop", answer: page(http.StatusFound, "Location", "/again"), doctor: "302 Found (api.elsewhere)", said: "leads elsewhere"},
		{name: "a proxy that wants a name", answer: page(http.StatusProxyAuthRequired), doctor: "407 Proxy Authentication Required (api.proxy_auth)", code: "app.download", said: "407"},
		{name: "a server that the cloud does not know", answer: page(http.StatusUnauthorized), doctor: "answers (401 Unauthorized)", code: "app.download", said: "(api.unauthorized)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.withT(t)
			answers.Store(&tt.answer)
			name := fmt.Sprint("agent-", i)
			a := s.agent(c, "lab", name, "--appsRunner", "none", "--apiURL", web.URL)
			defer a.Kill()
			s.must(set(a, "apiURL", web.URL), "changing apiURL")
			out, _ := a.Do(s.ctx, "doctor") // this host may lack other things
			if !strings.Contains(out, tt.doctor) {
				t.Errorf("doctor does not say %q:\n%s", tt.doctor, out)
			}
			var e execution
			s.must(c.JSON(s.ctx, &e, "run", "lab", "Test_-_Sleep", "--param", "seconds=0", "--detach"), "giving an order")
			if tt.code == "" {
				s.eventually("waiting for the log", func() error { return logged(a, tt.said) })
				_, err := c.Do(s.ctx, "execution", "cancel", e.ID)
				s.must(err, "cancelling")
			}
			s.eventually("waiting for the order's end", func() error {
				err := c.JSON(s.ctx, &e, "execution", "show", e.ID)
				if err == nil && !e.Ended {
					err = fmt.Errorf("it is %s", e.State)
				}
				return err
			})
			if tt.code != "" && (e.Error != tt.code || !strings.Contains(e.Message, tt.said)) {
				t.Errorf("the order: code %q, message %q; want %q and %q", e.Error, e.Message, tt.code, tt.said)
			}
			if strings.Contains(e.Message+out, "<h1>") {
				t.Errorf("a page is shown: %s %s", e.Message, out)
			}
			if tt.silence != "" {
				s.silentAbout(tt.silence)
				if strings.Contains(out+e.Message, tt.silence) {
					t.Errorf("told: %s %s", out, e.Message)
				}
			}
		})
	}
}
