package agent

import (
	"bytes"
	"context"
	"io/fs"
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

func (c *appCloud) Signature(context.Context, wire.SHA256) (string, error) { return "", nil }

// policed has the next agents ask a policy, which put replaces. ring opens sealed parameters.
func (r *rig) policed(ring envelope.Ring) (put func(rules string)) {
	r.t.Helper()
	need.Root(r.t)
	dir, err := os.MkdirTemp("/run", "owner-test-")
	if err != nil {
		r.t.Skipf("there is no folder that only root can write: %v", err)
	}
	r.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(r.t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "policy.yaml")
	r.protect = func(apps *app.Catalog) *guard.Guard {
		return guard.New(guard.Config{
			Policy: policy.NewFile(path), Environment: "plant", Keys: ring,
			Replays: signed.NewReplays(filepath.Join(r.dir, "journal")), Packages: apps, Cloud: r.cloud,
		})
	}
	return func(rules string) {
		r.t.Helper()
		must(r.t, os.WriteFile(path+".new", []byte("version: 1\n"+rules), 0o644))
		must(r.t, os.Rename(path+".new", path))
	}
}

// TestServiceObeysPolicy: an order of a service comes once and its App may run for months, so what the
// customer denies meanwhile ends it. A policy that cannot be read ends nothing.
func TestServiceObeysPolicy(t *testing.T) {
	r := newServiceRig(t)
	put := r.policed(envelope.Ring{})
	put("rules: [{allow: everything}]\n")
	s := r.start()
	o := r.service("svc", nil)
	r.launched(s, o)
	said(t, s, `"State"`, `"ready"`)
	put("rules: [{alow: typo}]\n")
	r.stop()
	s = r.start() // which finds it again
	said(t, s, `"State"`, `"ready"`)
	put("rules: [{deny: no triggers, apps: Test_-_Trigger*}, {allow: all else}]\n")
	if m := r.result(s, o.Ref, wire.Failed); m.Error != policy.Denied || !strings.Contains(m.Message, `policy rule "no triggers"`) {
		t.Errorf("a service that is denied while it runs ended with %q: %q", m.Error, m.Message)
	}
	acts, err := os.ReadFile(filepath.Join(r.dir, "audit.jsonl"))
	must(t, err)
	if !strings.Contains(string(acts), `"act":"order_denied"`) {
		t.Errorf("the audit log does not say that it was denied:\n%s", acts)
	}
}

// TestCloudThatWasTakenOver: whoever has the cloud can neither change a signed order, nor have it run twice,
// across restarts, nor read a sealed parameter in what the agent keeps.
func TestCloudThatWasTakenOver(t *testing.T) {
	operator, err := signature.Generate()
	must(t, err)
	ring, err := envelope.NewRing(time.Now())
	must(t, err)
	r := newRig(t)
	r.policed(ring)("signers: {soc: [{key: " + operator.Public().String() + "}]}\norders: {signed: required, sealed-parameters: required}\nrules: [{allow: everything}]\n")
	s := r.start()
	time.Sleep(10 * time.Millisecond) // what is signed from now on is newer than the memory
	sign := func(o *wire.Order) *wire.Order {
		t.Helper()
		password, err := envelope.Seal([]envelope.PublicKey{ring.Current()}, envelope.Binding{Environment: "plant", Order: o.Order, Parameter: "password"}, []byte("opensesame"))
		must(t, err)
		o.Params["password"] = password
		now := time.Now()
		sig, err := signed.Sign(o, signed.Terms{KeyID: signed.KeyID(operator.Public().ID), Environment: "plant", MadeAt: now, NotAfter: now.Add(time.Hour)}, operator.Ed25519())
		must(t, err)
		text, err := sig.MarshalText()
		must(t, err)
		o.Signature = string(text)
		return o
	}
	send := func(o wire.Order, want wire.Outcome, code string) {
		t.Helper()
		s.Send(t, &o)
		for {
			switch m := s.Next(t).(type) {
			case *wire.Ready:
				s.Send(t, &wire.Start{Ref: m.Ref})
			case *wire.Result:
				if m.Ref != o.Ref || m.Outcome != want || m.Error != code {
					t.Fatalf("%s ended %s, %s: %s; want %s of %s, %q", m.Ref, m.Outcome, m.Error, m.Message, want, o.Ref, code)
				}
				s.Send(t, &wire.ResultAck{Ref: m.Ref})
				r.eventually("the order is forgotten", func() bool { return r.agent.slots.find(m.Ref) == nil })
				return
			}
		}
	}

	send(*r.order("clear", "pass"), wire.Rejected, policy.Denied)
	first := *sign(r.order("first", `assert value("password") == "opensesame"`))
	changed := first
	changed.TimeoutMS *= 2
	send(changed, wire.Rejected, guard.CodeSignature)
	changed = first
	changed.Attempt, changed.Params = 2, map[string]string{"do": "pass", "starts": r.startsFile("first")}
	send(changed, wire.Rejected, guard.CodeSignature)
	first.Attempt = 3
	send(first, wire.Succeeded, "")
	first.Attempt = 4
	send(first, wire.Rejected, guard.CodeReplayed)
	r.stop()
	s = r.start()
	first.Attempt = 5
	send(first, wire.Rejected, guard.CodeReplayed)

	// The agent restarts while the App runs; its end counts all the same.
	do, open := r.gate("second")
	second := *sign(r.order("second", do))
	s.Send(t, &second)
	running(s, t)
	r.stop()
	s = r.start()
	open()
	r.result(s, second.Ref, wire.Succeeded)
	r.eventually("the order is forgotten", func() bool { return r.agent.slots.find(second.Ref) == nil })
	second.Attempt = 2
	send(second, wire.Rejected, guard.CodeReplayed)
	for _, id := range []string{"first", "second"} {
		if n := r.starts(id); n != 1 {
			t.Errorf("the App of order %q was started %d times", id, n)
		}
	}
	if n := r.starts("clear"); n != 0 {
		t.Errorf("the App of an order that is not signed was started %d times", n)
	}

	// Besides what the App itself was told, nothing has the value in clear.
	_ = filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what is removed meanwhile
		}
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte("opensesame")) && filepath.Base(filepath.Dir(path)) == "journal" {
			t.Errorf("%s has a sealed parameter in clear", path)
		}
		return nil
	})
}
