package test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// liar has a real cloud's keys and store in its hand: it speaks to the agent in that cloud's place,
// and passes on to the cloud's API what it does not lie about.
type liar struct {
	*scene
	broker *linktest.Broker
	api    *httptest.Server
	agent  *stage.Agent

	mu      sync.Mutex
	answers map[string]string // by the end of a path: what the API says instead

	session *linktest.Session
}

// takeOver puts a liar between the cloud and an agent that was enrolled there.
func (s *scene) takeOver(c *stage.Cloud, a *stage.Agent) *liar {
	s.t.Helper()
	pki := filepath.Join(c.Data, "pki")
	own, err := tls.LoadX509KeyPair(filepath.Join(pki, "server.pem"), filepath.Join(pki, "server.pem"))
	s.must(err, "taking the cloud's key")
	pem, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	s.must(err, "taking the cloud's CA")
	cas := x509.NewCertPool()
	cas.AppendCertsFromPEM(pem)

	l := &liar{scene: s, agent: a, answers: map[string]string{}}
	l.broker = linktest.Start(s.t, linktest.Config{
		Environment: "another one", // nobody asks the cloud for it
		TLS:         func(t *tls.Config) { t.Certificates, t.ClientCAs = []tls.Certificate{own}, cas },
	})
	cloud, err := url.Parse("https://" + c.API)
	s.must(err, "finding the cloud's API")
	pass := httputil.NewSingleHostReverseProxy(cloud)
	pass.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cas, MinVersion: tls.VersionTLS12}}
	l.api = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for path, answer := range l.answers {
			if strings.HasSuffix(r.URL.Path, path) {
				_, _ = io.WriteString(w, answer)
				return
			}
		}
		if _, published, ok := strings.Cut(r.URL.Path, "/files/"); ok && published != "" { // nobody wants them
			if _, err := io.Copy(io.Discard, r.Body); r.Method == http.MethodHead || err != nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	l.api.TLS = &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	l.api.StartTLS()
	s.t.Cleanup(l.api.Close)
	_, err = a.Do(s.ctx, "settings", "set", "brokerHost="+l.broker.Address(), "apiURL="+l.api.URL)
	s.must(err, "leading the agent to the liar")
	return l
}

// start runs the agent, for the first time or again.
func (l *liar) start() {
	l.t.Helper()
	l.must(l.agent.Start(), "starting the agent")
	l.session = l.broker.Accept(l.t)
}

// answer has the API say something else at paths that end so; "" ends that.
func (l *liar) answer(path, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers[path] = text; text == "" {
		delete(l.answers, path)
	}
}

// order gives an order and returns how it ended, or that it was not taken.
func (l *liar) order(o wire.Order) *wire.Result {
	l.t.Helper()
	l.session.Send(l.t, &o)
	for {
		m := l.session.Next(l.t)
		switch m := m.(type) {
		case *wire.Ready:
			l.session.Send(l.t, &wire.Start{Ref: m.Ref})
		case *wire.Refused:
			return &wire.Result{Ref: m.Ref, Error: string(m.Reason), Message: m.Message}
		case *wire.Result:
			l.session.Send(l.t, &wire.ResultAck{Ref: m.Ref})
			if m.Ref == o.Ref {
				return m
			}
		}
	}
}

func (l *liar) runs(what string, o wire.Order) {
	l.t.Helper()
	if r := l.order(o); r.Outcome != wire.Succeeded {
		l.t.Errorf("%s: it ended %s: %s %s; want it run", what, r.Outcome, r.Error, r.Message)
	}
}

func (l *liar) rejected(what string, o wire.Order, code, text string) {
	l.t.Helper()
	r := l.order(o)
	if r.Outcome != wire.Rejected || r.Error != code || !strings.Contains(r.Message, text) {
		l.t.Errorf("%s: it ended %s: %s %s; want rejected, %s, %q", what, r.Outcome, r.Error, r.Message, code, text)
	}
}

// TestCloudThatLies: with the keys and the store of the cloud, and the real agent: nothing runs that
// was not signed, not twice, not elsewhere, not later, and not with other inputs. What is too large
// or no order at all does not end the agent.
func TestCloudThatLies(t *testing.T) {
	pythonHere(t)
	policy := policyFile(t)
	s := newScene(t)
	c := s.cloud("plant")
	good, err := apps.Build("sleep", s.Dir)
	s.must(err, "building an App")
	evil, err := apps.Build("job", s.Dir)
	s.must(err, "building an App")
	publisher, publisherKey := s.key("publisher")
	soc, socKey := s.key("soc")
	next, nextKey := s.key("next")
	_, err = c.Do(s.ctx, "app", "add", good)
	s.must(err, "adding an App")
	_, err = c.Do(s.ctx, "app", "add", evil)
	s.must(err, "adding an App")
	_, err = c.Do(s.ctx, "app", "sign", good, "--key", publisher, "--upload")
	s.must(err, "signing an App")
	minisig, err := os.ReadFile(good + ".minisig")
	s.must(err, "reading a signature")
	rules := func(signers string) {
		s.put(policy, "version: 1\npublishers: {acme: [{key: "+publisherKey.String()+"}]}\nsigners: {soc: ["+signers+"]}\norders: {signed: required}\nrules: [{allow: ours, publishers: acme}]\n")
	}
	rules("{key: " + socKey.String() + "}")
	a, err := c.Enroll(s.ctx, "plant", "one")
	s.must(err, "enrolling")
	l := s.takeOver(c, a)
	l.start()

	mark := s.markURL("liar")
	ref := func(file, name string) wire.AppRef {
		data, err := os.ReadFile(file)
		s.must(err, "reading an App")
		sum := sha256.Sum256(data)
		return wire.AppRef{Name: name, Version: "1.0.0", Size: int64(len(data)), SHA256: wire.SHA256(hex.EncodeToString(sum[:]))}
	}
	blank := func() wire.Order {
		return wire.Order{
			Ref: wire.Ref{Order: wire.OrderID(uuid.NewString()), Attempt: 1}, Runtime: wire.RuntimeJob, App: ref(good, "Test_-_Sleep"),
			Params: map[string]string{"seconds": "0", "marker_url": mark}, TimeoutMS: 60_000, Priority: 5,
		}
	}
	sign := func(o wire.Order, key, environment string, made time.Time, life time.Duration) wire.Order {
		t.Helper()
		k, err := signature.ReadSecretKey(key, nil)
		s.must(err, "reading a key")
		sig, err := signed.Sign(&o, signed.Terms{KeyID: signed.KeyID(k.Public().ID), Environment: environment, MadeAt: made, NotAfter: made.Add(life)}, k.Ed25519())
		s.must(err, "signing")
		text, err := sig.MarshalText()
		s.must(err, "signing")
		o.Signature = string(text)
		return o
	}
	fresh := func() wire.Order { t.Helper(); return sign(blank(), soc, "plant", time.Now(), time.Hour) }
	change := func(f func(*wire.Order)) wire.Order {
		o := fresh()
		o.Params = maps.Clone(o.Params)
		f(&o)
		return o
	}

	first := fresh()
	l.runs("as it was signed", first)

	// Other bytes.
	l.rejected("another App under the name", change(func(o *wire.Order) { o.App = ref(evil, "Test_-_Sleep") }), "order.signature", "changed on its way")
	other := blank()
	other.App = ref(evil, "Test_-_Sleep")
	l.rejected("an App that nobody signed, in an order that the operator was talked into", sign(other, soc, "plant", time.Now(), time.Hour), "policy.denied", "")
	l.answer(string(other.App.SHA256)+"/signature", string(minisig))
	other.Order = "borrowed"
	l.rejected("with another App's signature", sign(other, soc, "plant", time.Now(), time.Hour), "policy.denied", "")

	// Other inputs, and the rest of the order.
	for what, f := range map[string]func(*wire.Order){
		"another parameter":  func(o *wire.Order) { o.Params["seconds"] = "1" },
		"one more":           func(o *wire.Order) { o.Params["last_run"] = "x" },
		"one less":           func(o *wire.Order) { delete(o.Params, "seconds") },
		"a default":          func(o *wire.Order) { o.Defaults = map[string]string{"tc_secure_params": "true"} },
		"more time":          func(o *wire.Order) { o.TimeoutMS++ },
		"retryable":          func(o *wire.Order) { o.Retryable = true },
		"another order's id": func(o *wire.Order) { o.Order = "another" },
		"other variables":    func(o *wire.Order) { o.KVContext = "elsewhere" },
		"as a Playbook":      func(o *wire.Order) { o.Runtime = wire.RuntimePlaybook },
		"less memory":        func(o *wire.Order) { o.Limits.MemoryMB = 16 },
	} {
		o := change(f)
		r := l.order(o)
		if r.Outcome != wire.Rejected || r.Error != "order.signature" {
			t.Errorf("%s: it ended %s: %s %s; want rejected, order.signature", what, r.Outcome, r.Error, r.Message)
		}
	}
	late := fresh()
	late.ParamsByHTTPS, late.Params = true, nil
	l.answer("/orders/"+string(late.Order)+"/1/params", `{"seconds":"0","marker_url":"`+mark+`2"}`)
	l.rejected("other parameters by HTTPS", late, "order.signature", "parameters")
	l.answer("/orders/"+string(late.Order)+"/1/params", `{"seconds":"0","marker_url":"`+mark+`"}`)
	late.Attempt = 2
	l.answer("/orders/"+string(late.Order)+"/2/params", `{"seconds":"0","marker_url":"`+mark+`"}`)
	l.runs("the signed ones by HTTPS", late)

	// Elsewhere, later, by others, unsigned.
	l.rejected("for another Environment", sign(blank(), soc, "another one", time.Now(), time.Hour), "order.signature", "another one")
	l.rejected("expired", sign(blank(), soc, "plant", time.Now().Add(-time.Minute), 30*time.Second), "order.signature", "expired")
	l.rejected("from before this server was there", sign(blank(), soc, "plant", time.Now().Add(-24*time.Hour), 48*time.Hour), "order.replayed", "before this server's memory")
	l.rejected("of tomorrow", sign(blank(), soc, "plant", time.Now().Add(24*time.Hour), time.Hour), "order.signature", "not valid yet")
	l.rejected("by a key that is not known", sign(blank(), next, "plant", time.Now(), time.Hour), "order.signature", "not trusted here")
	l.rejected("with the publisher's key", sign(blank(), publisher, "plant", time.Now(), time.Hour), "order.signature", "not trusted here")
	l.rejected("without a signature", blank(), "policy.denied", "orders must be signed")

	// Again: at once, as other attempts, after a restart, after the journal has forgotten it, after a
	// kill, with the journal's folder lost.
	again := func(when string) {
		t.Helper()
		for range 2 {
			first.Attempt++
			l.rejected("again "+when, first, "order.replayed", "started here before")
		}
	}
	again("at once")
	l.agent.Stop(time.Minute)
	l.start()
	again("after a restart")
	for range 40 { // many others end: the journal is cleaned up
		l.runs("another one", fresh())
	}
	again("after the journal's clean-up")
	l.agent.Kill()
	l.start()
	again("after a kill")
	l.agent.Stop(time.Minute)
	s.must(os.Remove(filepath.Join(s.paths(a).Journal, "signed-orders")), "losing the memory of signed orders")
	l.start()
	first.Attempt++
	l.rejected("again without the memory", first, "order.replayed", "before this server's memory")
	time.Sleep(2 * time.Millisecond) // what is signed from now on is newer than the memory, by its milliseconds
	l.runs("what is signed anew", fresh())

	// Keys rotate with an overlap; then the old one starts nothing more.
	old := fresh()
	rules("{key: " + socKey.String() + ", not-after: '" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "'}, {key: " + nextKey.String() + "}")
	l.runs("by the old key, in the overlap", fresh())
	l.runs("by the new key", sign(blank(), next, "plant", time.Now(), time.Hour))
	rules("{key: " + nextKey.String() + "}")
	l.rejected("by the old key", old, "order.signature", "not trusted here")
	rules("{key: " + socKey.String() + ", not-after: '" + time.Now().Add(-time.Second).UTC().Format(time.RFC3339) + "'}, {key: " + nextKey.String() + "}")
	l.rejected("by the old key whose time is over", old, "order.signature", "not valid at this time")
	rules("{key: " + socKey.String() + "}")

	// What is too large, or nothing of the kind.
	sealedGarbage := "tcsealed:v1:" + strings.Repeat("A", 100<<10)
	for what, f := range map[string]func(*wire.Order){
		"no signature at all":          func(o *wire.Order) { o.Signature = "\x00\x1b[2J" },
		"a signature of another form":  func(o *wire.Order) { o.Signature = "tcsigned:v2:AAAA" },
		"a signature with a line end":  func(o *wire.Order) { o.Signature += "\n" },
		"a signature in another place": func(o *wire.Order) { o.Signature = " " + o.Signature },
		"half a signature":             func(o *wire.Order) { o.Signature = o.Signature[:len(o.Signature)/2] },
		"the longest signature":        func(o *wire.Order) { o.Signature = "tcsigned:v1:" + strings.Repeat("A", 400) },
		"names that steer a terminal":  func(o *wire.Order) { o.App.Name, o.App.Version = "\x1b]0;x\x07", "\u202e" },
		"many variables":               func(o *wire.Order) { o.OutVariables = make([]string, 10_000) },
		"a parameter of its own":       func(o *wire.Order) { o.Params[strings.Repeat("n", 10_000)] = strings.Repeat("v", 50_000) },
		"what looks sealed":            func(o *wire.Order) { o.Params["seconds"] = sealedGarbage },
	} {
		o := change(f)
		if r := l.order(o); r.Outcome == wire.Succeeded || r.Outcome == wire.Failed {
			t.Errorf("%s: the App ran: %s %s", what, r.Outcome, r.Message)
		} else if strings.ContainsAny(r.Message, "\x1b\u202e\x07") || len(r.Message) > 4<<10 {
			t.Errorf("%s: the result quotes it: %q", what, r.Message)
		}
	}
	o := blank() // what the operator himself got wrong
	o.Params["seconds"] = sealedGarbage
	l.rejected("a sealed parameter that is none", sign(o, soc, "plant", time.Now(), time.Hour), "order.sealed", `"seconds"`)
	ring, err := envelope.NewRing(time.Now())
	s.must(err, "making a sealing key")
	o = blank()
	o.Params["seconds"], err = envelope.Seal([]envelope.PublicKey{ring.Current()}, envelope.Binding{Environment: "plant", Order: o.Order, Parameter: "seconds"}, []byte("0"))
	s.must(err, "sealing")
	l.rejected("sealed to another server", sign(o, soc, "plant", time.Now(), time.Hour), "order.sealed", "not sealed to this server")
	l.runs("after all that", fresh())

	// The App started as often as it was signed to: once, by HTTPS, 40, anew, two keys, after all that.
	if n := strings.Count(read(t, s.markFile("liar")), "\n"); n != 1+1+40+1+2+1 {
		t.Errorf("the App started %d times; want 46", n)
	}
	if _, err := os.Stat(s.markFile("liar2")); err == nil {
		t.Error("the App got parameters that were not signed")
	}
	acts := read(t, s.paths(a).Audit)
	for _, want := range []string{`"code":"order.signature"`, `"code":"order.replayed"`, `"code":"order.sealed"`, `"code":"policy.denied"`} {
		if !strings.Contains(acts, want) {
			t.Errorf("the audit log lacks %s", want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(fmt.Errorf("reading: %w", err))
	}
	return string(text)
}
