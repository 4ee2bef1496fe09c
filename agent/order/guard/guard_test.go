package guard_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/test/need"
)

const environment = "plant-7"

var tcx = []byte("the bytes of ACME_Scan.tcx")

// host is a server with one App, and the cloud that it talks to.
type host struct {
	t      testing.TB
	path   string
	guard  *guard.Guard
	origin app.Origin
	kept   int
	text   string // the cloud's signature of the App
	bundle []byte // what the cloud says is the package
	err    error  // the cloud's answer to everything
	asked  int
	ring   envelope.Ring
}

func newHost(t testing.TB) *host {
	t.Helper()
	need.Root(t)
	dir, err := os.MkdirTemp("/run", "guard-test-")
	if err != nil {
		t.Skipf("there is no folder that only root can write: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	sum, err := signature.Digest(bytes.NewReader(tcx))
	must(t, err)
	h := &host{t: t, path: filepath.Join(dir, "policy.yaml"), bundle: tcx, origin: app.Origin{SHA256: digest(), Name: "ACME_Scan", Version: "1.2", Digest: sum[:]}}
	h.ring, err = envelope.NewRing(time.Now())
	must(t, err)
	h.restart()
	must(t, h.guard.Replays.Ready(time.Now().Add(-30*time.Minute)))
	return h
}

// restart makes the guard of the next agent.
func (h *host) restart() {
	journal := filepath.Join(filepath.Dir(h.path), "journal")
	must(h.t, os.MkdirAll(journal, 0o700))
	h.guard = guard.New(guard.Config{
		Policy: policy.NewFile(h.path), Environment: environment, Replays: signed.NewReplays(journal), Keys: h.ring, Packages: h, Cloud: h,
	})
}

func (h *host) Origin(context.Context, app.Ref, app.Fetch) (app.Origin, error) { return h.origin, nil }

func (h *host) KeepSignature(o app.Origin, text string) error {
	h.origin.Signature = text
	h.kept++
	return nil
}

func (h *host) Download(context.Context, wire.SHA256, int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(h.bundle)), h.err
}

func (h *host) Signature(context.Context, wire.SHA256) (string, error) {
	h.asked++
	return h.text, h.err
}

func (h *host) put(text string) {
	h.t.Helper()
	must(h.t, os.WriteFile(h.path+".new", []byte("version: 1\n"+text), 0o644))
	long := time.Now().Add(-time.Hour)
	must(h.t, os.Chtimes(h.path+".new", long, long))
	must(h.t, os.Rename(h.path+".new", h.path))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digest() string { sum := sha256.Sum256(tcx); return hex.EncodeToString(sum[:]) }

func order() wire.Order {
	return wire.Order{
		Ref: wire.Ref{Order: "order-1", Attempt: 1}, Runtime: wire.RuntimeJob, TimeoutMS: 60_000, Priority: 5,
		App:    wire.AppRef{Name: "ACME_Scan", Version: "1.2", Size: int64(len(tcx)), SHA256: wire.SHA256(digest())},
		Params: map[string]string{"host": "db.internal", "password": "swordfish"},
	}
}

func installed() app.App {
	return app.App{Manifest: app.Manifest{RuntimeLevel: []string{"organization"}, Params: []app.Param{{Name: "host"}, {Name: "password", Encrypt: true}}}}
}

// goes takes an order as far as it goes, and returns the parameters of its App.
func (h *host) goes(o wire.Order) (map[string]string, time.Duration, error) {
	p, err := h.guard.Arrived(o)
	if err == nil {
		err = p.Fetched(h.t.Context())
	}
	if err == nil {
		err = p.Installed(h.t.Context(), installed())
	}
	if err != nil {
		return nil, 0, err
	}
	g, err := p.Start(h.t.Context(), installed(), o.Params)
	return g.Params, g.Limit, err
}

func (h *host) passes(what string, o wire.Order) map[string]string {
	h.t.Helper()
	params, _, err := h.goes(o)
	if err != nil {
		h.t.Errorf("%s: %v", what, err)
	}
	return params
}

func (h *host) refused(what string, o wire.Order, code, rule, text string) {
	h.t.Helper()
	_, _, err := h.goes(o)
	r, ok := errors.AsType[*guard.Refusal](err)
	if !ok || r.Code != code || r.Rule != rule || !strings.Contains(r.Error(), text) {
		h.t.Errorf("%s: got %v, want a refusal with code %s of rule %q that says %q", what, err, code, rule, text)
	}
}

func key(t testing.TB) signature.SecretKey {
	t.Helper()
	k, err := signature.Generate()
	must(t, err)
	return k
}

func sign(t testing.TB, k signature.SecretKey) string {
	t.Helper()
	s, err := signature.Sign(k, bytes.NewReader(tcx), signature.Comment{App: "ACME_Scan", Version: "1.2", Time: time.Now()})
	must(t, err)
	return string(s.Encode())
}

func ours(k signature.SecretKey, more string) string {
	return "publishers: {acme: [{key: " + k.Public().String() + "}]}\nrules: [{allow: ours, apps: ACME_*, publishers: acme" + more + "}]\n"
}

// TestNobody: without a guard, and without a policy, everything passes as it came.
func TestNobody(t *testing.T) {
	var none *guard.Guard
	p, err := none.Arrived(order())
	must(t, err)
	must(t, p.Fetched(t.Context()))
	must(t, p.Installed(t.Context(), installed()))
	g, err := p.Start(t.Context(), installed(), order().Params)
	if err != nil || g.Limit != 0 || g.Bound || g.Params["password"] != "swordfish" {
		t.Errorf("got %v, %v", g, err)
	}
	p.Cancelled()
	none.Ended(wire.Ref{}, wire.Failed, false)
	none.Recover(nil)

	h := newHost(t)
	if got := h.passes("no policy", order()); got["password"] != "swordfish" || h.asked != 0 {
		t.Errorf("got %v, and the cloud was asked %d times", got, h.asked)
	}
}

// TestPublisher: only where a rule asks, once, and whatever the cloud says of the App's name.
func TestPublisher(t *testing.T) {
	h, first, second := newHost(t), key(t), key(t)
	h.put(ours(first, ""))
	h.refused("not signed", order(), policy.Denied, "default", "signed by no known publisher")
	h.text = sign(t, second)
	h.refused("signed by somebody", order(), policy.Denied, "default", "signed by no known publisher")
	h.restart() // it remembers for a minute that the cloud has no signature that counts
	h.text = sign(t, first)
	h.passes("signed", order())
	if h.kept != 1 {
		t.Errorf("the signature was kept %d times, want once", h.kept)
	}
	h.restart()
	h.asked, h.err = 0, errors.New("the cloud is away")
	h.passes("its signature is kept", order())
	if h.asked > 1 { // before it would be fetched; here it is installed
		t.Errorf("the cloud was asked %d times", h.asked)
	}

	h.err = nil
	h.put(ours(second, ""))
	h.refused("the key was replaced", order(), policy.Denied, "default", "")
	h.restart()
	h.text = sign(t, second)
	h.passes("signed anew", order())
	h.put(ours(second, ", versions: '>=2.0'"))
	o := order()
	o.App.Version = "2.0"
	h.refused("the cloud says that it is newer than it is", o, policy.Denied, "default", `"1.2"`)
	h.put(ours(second, ""))
	h.origin.Name = "Other"
	h.refused("the package has another name", order(), policy.Denied, "default", `App "Other"`)
	h.origin.Name = "ACME_Scan"
	o = order()
	o.Runtime = wire.RuntimePlaybook
	h.refused("it has no such runtime level", o, policy.Denied, policy.RuleOrders, "runtimeLevel")

	// A signature that is not over this package does not count, whoever made it.
	h.restart()
	s, err := signature.Sign(second, strings.NewReader("another package"), signature.Comment{App: "ACME_Scan", Version: "1.2", Time: time.Now()})
	must(t, err)
	h.text, h.origin.Signature = string(s.Encode()), ""
	h.refused("another package's signature", order(), policy.Denied, "default", "signed by no known publisher")
}

// TestLegacy: what minisign -l signed is verified with the package itself.
func TestLegacy(t *testing.T) {
	h, k := newHost(t), key(t)
	h.put(ours(k, ""))
	legacy := func(bundle []byte) string {
		s := signature.Signature{Untrusted: "legacy", KeyID: k.Public().ID, Trusted: "timestamp:1"}
		copy(s.Sig[:], ed25519.Sign(k.Ed25519(), bundle))
		copy(s.Global[:], ed25519.Sign(k.Ed25519(), append(s.Sig[:], s.Trusted...)))
		return string(s.Encode())
	}
	h.text = legacy(tcx)
	h.passes("signed by minisign -l", order())

	// A cloud that sends another package that the publisher signed as well.
	h.restart()
	var log bytes.Buffer
	h.guard.Logger = slog.New(slog.NewTextHandler(&log, nil))
	h.bundle, h.origin.Signature = []byte("the bytes of another App"), ""
	h.text = legacy(h.bundle)
	h.refused("another package", order(), policy.Denied, "default", "signed by no known publisher")
	if !strings.Contains(log.String(), "what came is not the App that is installed") {
		t.Errorf("the log says %s", &log)
	}
}

func signedBy(t testing.TB, k signature.SecretKey, o wire.Order, env string, made time.Time) wire.Order {
	t.Helper()
	s, err := signed.Sign(&o, signed.Terms{KeyID: signed.KeyID(k.Public().ID), Environment: env, MadeAt: made, NotAfter: made.Add(time.Hour)}, k.Ed25519())
	must(t, err)
	text, err := s.MarshalText()
	must(t, err)
	o.Signature = string(text)
	return o
}

func signers(k signature.SecretKey, signed string) string {
	return "signers: {soc: [{key: " + k.Public().String() + "}]}\norders: {signed: " + signed + "}\nrules: [{allow: everything}]\n"
}

// TestSignedOrders: a signature that is there must be good, and an order runs once.
func TestSignedOrders(t *testing.T) {
	h, k, now := newHost(t), key(t), time.Now()
	h.put(signers(k, "required"))
	h.refused("not signed", order(), policy.Denied, policy.RuleOrders, "orders must be signed")
	service := order()
	service.Runtime, service.Service, service.TimeoutMS = wire.RuntimeAPIService, &wire.ServiceSpec{ID: 1, Name: "lookup"}, 0
	h.refused("a service, not signed", service, policy.Denied, policy.RuleOrders, "nobody signs each start of a service")
	h.refused("for another Environment", signedBy(t, k, order(), "plant-8", now), guard.CodeSignature, "", "plant-8")
	h.refused("by another", signedBy(t, key(t), order(), environment, now), guard.CodeSignature, "", "not trusted here")
	h.refused("expired", signedBy(t, k, order(), environment, now.Add(-90*time.Minute)), guard.CodeSignature, "", "expired")
	h.refused("before the memory begins", signedBy(t, k, order(), environment, now.Add(-40*time.Minute)), guard.CodeReplayed, "", "before this server's memory")
	o := signedBy(t, k, order(), environment, now)
	changed := o
	changed.TimeoutMS++
	h.refused("changed", changed, guard.CodeSignature, "", "changed on its way")
	changed = o
	changed.Params = map[string]string{"host": "elsewhere"}
	h.refused("other parameters", changed, guard.CodeSignature, "", "parameters")
	changed = o
	changed.Signature = o.Signature[:len(o.Signature)-1]
	h.refused("cut off", changed, guard.CodeSignature, "", "")
	h.put(signers(k, "optional"))
	h.refused("a broken signature where none is needed", changed, guard.CodeSignature, "", "")
	h.put(signers(k, "required"))

	h.passes("signed", o)
	h.guard.Ended(o.Ref, wire.Succeeded, false)
	h.refused("once more", o, guard.CodeReplayed, "", "started here before")
	o.Attempt = 2
	h.refused("as another attempt", o, guard.CodeReplayed, "", "started here before")
	h.restart()
	h.guard.Recover(func(wire.Ref) bool { return false })
	h.refused("after a restart", o, guard.CodeReplayed, "", "started here before")

	// One that was given back goes on as another attempt; what the journal has lost does not.
	again := order()
	again.Order = "order-2"
	again = signedBy(t, k, again, environment, now)
	h.passes("a second order", again)
	h.guard.Ended(again.Ref, wire.Failed, true)
	again.Attempt = 2
	h.passes("given back", again)
	h.restart()
	h.guard.Recover(func(wire.Ref) bool { return false })
	again.Attempt = 3
	h.refused("its end is not known", again, guard.CodeReplayed, "", "")

	// Cancelled before its start.
	third := order()
	third.Order = "order-3"
	third = signedBy(t, k, third, environment, now)
	p, err := h.guard.Arrived(third)
	must(t, err)
	p.Cancelled()
	h.refused("cancelled", third, guard.CodeReplayed, "", "")

	// Parameters that come by HTTPS are checked when they are here.
	late := order()
	late.Order = "order-4"
	late = signedBy(t, k, late, environment, now)
	params := late.Params
	late.ParamsByHTTPS, late.Params = true, nil
	p, err = h.guard.Arrived(late)
	must(t, err)
	if _, err := p.Start(t.Context(), installed(), map[string]string{"host": "evil"}); err == nil || !strings.Contains(err.Error(), "parameters") {
		t.Errorf("other parameters by HTTPS: %v", err)
	}
	if _, err := p.Start(t.Context(), installed(), params); err != nil {
		t.Error(err)
	}
}

// TestSealed: sealed parameters are opened for the App, and what looks sealed and is not is refused.
func TestSealed(t *testing.T) {
	h := newHost(t)
	seal := func(o wire.Order, name, value string) string {
		text, err := envelope.Seal([]envelope.PublicKey{h.ring.Current()}, envelope.Binding{Environment: environment, Order: o.Order, Parameter: name}, []byte(value))
		must(t, err)
		return text
	}
	o := order()
	o.Params["password"] = seal(o, "password", "opensesame")
	if got := h.passes("sealed", o); got["password"] != "opensesame" || got["host"] != "db.internal" || !envelope.IsSealed(o.Params["password"]) {
		t.Errorf("got %q, and the order has %.20q", got, o.Params["password"])
	}
	if p, err := h.guard.Arrived(o); err != nil {
		t.Error(err)
	} else if g, err := p.Start(t.Context(), installed(), o.Params); err != nil || !g.Bound {
		t.Errorf("an App with sealed parameters may ask the cloud for others: %v", err)
	}
	moved := order()
	moved.Params["host"] = o.Params["password"] // the App shows this one
	h.refused("moved", moved, guard.CodeSealed, "", `"host"`)
	clear := order()
	clear.Params["host"] = "tcsealed:v9:anything"
	h.refused("of an unknown form", clear, guard.CodeSealed, "", `"host"`)
	defaults := order()
	defaults.Defaults = map[string]string{"password": o.Params["password"]}
	h.refused("as a default", defaults, guard.CodeSealed, "", `the default "password" looks like a sealed parameter, and only parameters are sealed`)
	h.guard.Keys = nil
	h.refused("without a keychain", o, guard.CodeSealed, "", `parameter "password" is sealed, and this server has no sealing key: it has no keychain`)
	h.passes("without a keychain, in clear", order())
	h.guard.Keys = h.ring

	h.put("orders: {sealed-parameters: required}\nrules: [{allow: everything, max-timeout: 90s}]\n")
	h.refused("in clear where it must be sealed", order(), policy.Denied, policy.RuleOrders, "encrypted parameters must be sealed")
	h.passes("sealed where it must be", o)
	empty := order()
	empty.Params["password"] = ""
	h.passes("there is nothing to seal", empty)
	if _, limit, err := h.goes(o); err != nil || limit != 90*time.Second {
		t.Errorf("the App may run for %v, %v; want 90s", limit, err)
	}

	h.ring, _ = envelope.NewRing(time.Now())
	h.restart()
	h.refused("sealed to another key", o, guard.CodeSealed, "", "not sealed to this server")
}

// TestSealedForAJob: what is sealed for a Job opens in each of its runs, and a cloud that lies moves
// it to no other Job, App, Environment or order, nor beside an address of its own.
func TestSealedForAJob(t *testing.T) {
	h := newHost(t)
	run := func(id wire.OrderID) wire.Order {
		o := order()
		o.Order = id
		return o
	}
	o := run("job-0123456789abcdef01234567-sabc-1")
	for name, value := range map[string]string{"host": "db.internal", "password": "opensesame"} {
		at := envelope.Binding{Environment: environment, Parameter: name, Job: &envelope.Job{
			ID: "0123456789abcdef01234567", Package: wire.SHA256(digest()), Sealed: []string{"password", "host"},
		}}
		text, err := envelope.Seal([]envelope.PublicKey{h.ring.Current()}, at, []byte(value))
		must(t, err)
		o.Params[name] = text
	}
	sealed := o.Params
	for _, id := range []wire.OrderID{o.Order, "job-0123456789abcdef01234567-dabd-1", "job-0123456789abcdef01234567-sabc-2"} {
		o.Order = id
		if got := h.passes("a run of the Job", o); got["password"] != "opensesame" || got["host"] != "db.internal" {
			t.Errorf("%s got %q", id, got)
		}
	}
	for name, lie := range map[string]func(*wire.Order){
		"another Job":        func(o *wire.Order) { o.Order = "job-0123456789abcdef01234568-sabc-1" },
		"an order by hand":   func(o *wire.Order) { o.Order = "order-1" },
		"nearly a Job":       func(o *wire.Order) { o.Order = "job-0123456789abcdef01234567" },
		"another package":    func(o *wire.Order) { o.App.SHA256 = wire.SHA256(strings.Repeat("a", 64)) },
		"an address of its":  func(o *wire.Order) { o.Params["host"] = "evil.example" },
		"no address":         func(o *wire.Order) { delete(o.Params, "host") },
		"a sealed one more":  func(o *wire.Order) { o.Params["more"] = sealed["host"] },
		"the other way":      func(o *wire.Order) { o.Params["host"], o.Params["password"] = sealed["password"], sealed["host"] },
		"of the order's own": func(o *wire.Order) { o.Params["password"] = strings.Replace(sealed["password"], "job:v1", "v1", 1) },
		"of another form":    func(o *wire.Order) { o.Params["password"] = strings.Replace(sealed["password"], "job:v1", "job:v2", 1) },
	} {
		o := run("job-0123456789abcdef01234567-sabc-1")
		o.Params = maps.Clone(sealed)
		lie(&o)
		h.refused(name, o, guard.CodeSealed, "", "opening the sealed parameter")
	}

	// A policy that wants orders signed says what that means for a Job; one that wants secrets sealed
	// is content.
	h.put("orders: {sealed-parameters: required}\nrules: [{allow: everything}]\n")
	h.passes("sealed where it must be", o)
	k := key(t)
	h.put(signers(k, "required"))
	h.refused("a run of a Job where orders must be signed", o, policy.Denied, policy.RuleOrders, "nobody signs each run of a Job")

	h.guard.Environment = "another one"
	h.put("rules: [{allow: everything}]\n")
	h.refused("another Environment", o, guard.CodeSealed, "", "opening the sealed parameter")
}

// TestRunning: what a rule denies must not run on, whatever its order was when it started; a policy that does not
// count ends nothing.
func TestRunning(t *testing.T) {
	h, k := newHost(t), key(t)
	running := func(what, rule string) {
		t.Helper()
		err := h.guard.Running(t.Context(), order())
		r, refused := errors.AsType[*guard.Refusal](err)
		if refused != (rule != "") || refused && (r.Code != policy.Denied || r.Rule != rule) || !refused && err != nil {
			t.Errorf("%s: got %v, want the rule %q", what, err, rule)
		}
	}
	var nobody *guard.Guard
	must(t, nobody.Running(t.Context(), order()))
	running("no policy", "")
	h.put("rules: [{deny: by digest, sha256: " + digest() + "}, {allow: everything}]\n")
	running("denied by its digest", "by digest")
	h.put("rules: [{deny: by name, apps: ACME_Scan}, {allow: everything}]\n")
	running("denied by its name", "by name")
	h.put("rules: [{allow: others, apps: Other}]\n")
	running("not allowed", policy.RuleDefault)
	h.put(ours(k, ""))
	running("not signed", policy.RuleDefault)
	h.restart()
	h.text = sign(t, k)
	running("signed", "")
	h.put("rules: [{alow: typo}]\n")
	running("not a policy", "")
	h.put(signers(k, "required"))
	running("orders must be signed from now on", "")

	h.restart()
	h.put(ours(k, ""))
	h.origin.Signature, h.err = "", errors.New("the cloud is away")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := h.guard.Running(ctx, order())
	if _, refused := errors.AsType[*guard.Refusal](err); err == nil || refused {
		t.Errorf("nobody knows who signed it: got %v, want an error that is no refusal", err)
	}
}
