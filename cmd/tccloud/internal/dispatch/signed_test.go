package dispatch_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// TestSigned: what was drafted is what the agent gets and verifies, at every attempt, with small
// parameters and with those that come by HTTPS.
func TestSigned(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := []signed.Key{{Name: "operator", Public: public}}
	c := rig.Start(t, rig.Options{})
	sign := func(r *dispatch.Request, environment string, made time.Time) {
		t.Helper()
		m, err := c.Dispatcher.Draft(*r)
		if err != nil {
			t.Fatal(err)
		}
		s, err := signed.Sign(m, signed.Terms{Environment: environment, MadeAt: made, NotAfter: made.Add(time.Hour)}, private)
		if err != nil {
			t.Fatal(err)
		}
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		r.Signature = string(text)
	}
	for name, size := range map[string]int{"small": 10, "by-HTTPS": 200 << 10} {
		r := rig.Request()
		r.ID, r.Runtime, r.Retryable = wire.OrderID(name), wire.RuntimePlaybook, true
		r.Params = map[string]string{"p": strings.Repeat("x", size)}
		r.Defaults = map[string]string{"tc_user_id": "1"}
		r.OutVariables = []string{"#App:1:b!String", "#App:1:a!String"}
		r.Limits = wire.Limits{MemoryMB: 512, Tasks: 200, CPUWeight: 50}
		sign(&r, rig.Env, time.Now())
		e, err := c.Dispatcher.Submit(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if e.StartWithin > time.Hour {
			t.Errorf("%s: it may wait %s, and its signature is good for an hour", name, e.StartWithin)
		}
		for attempt := range 2 {
			a := c.Agent("s1", 1)
			o := rig.Expect[*wire.Order](a)
			if o.ParamsByHTTPS {
				if o.Params, err = c.Dispatcher.Params(t.Context(), o.Order, o.Attempt); err != nil {
					t.Fatal(err)
				}
				o.ParamsByHTTPS = false
			}
			s, err := signed.Parse(o.Signature)
			if err == nil {
				_, err = signed.Verify(o, s, rig.Env, keys, time.Now())
			}
			if err != nil || o.Attempt != wire.Attempt(attempt+1) || o.Limits != r.Limits {
				t.Errorf("%s: attempt %d with limits %q: %v", name, o.Attempt, o.Limits, err)
			}
			if attempt == 1 {
				finish(c, a, o.Ref)
			}
			a.Kill()
		}
		if e, err = c.Dispatcher.Get(t.Context(), e.ID); err != nil || e.Signature != r.Signature || e.Limits != r.Limits {
			t.Errorf("%s: the signature or the limits are not kept: %v", name, err)
		}
	}
	for want, change := range map[string]func(*dispatch.Request){
		`the order is signed for environment "elsewhere"`: func(r *dispatch.Request) { sign(r, "elsewhere", time.Now()) },
		"the signature was good until ":                   func(r *dispatch.Request) { sign(r, rig.Env, time.Now().Add(-2*time.Hour)) },
		"reading the signature: ":                         func(r *dispatch.Request) { r.Signature = "tcsigned:v1:junk" },
	} {
		r := rig.Request()
		change(&r)
		if _, err := c.Dispatcher.Submit(t.Context(), r); !errors.Is(err, dispatch.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ErrInvalid with %q", err, want)
		}
	}
}

// TestDraft: a draft is the same each time, and stores nothing.
func TestDraft(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	r := rig.Request()
	r.ID = "d"
	one, err := c.Dispatcher.Draft(r)
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Dispatcher.Draft(r)
	if diff := cmp.Diff(one, two); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	want := &wire.Order{Ref: wire.Ref{Order: "d", Attempt: 1}, Runtime: r.Runtime, App: r.App, Params: r.Params, TimeoutMS: 60_000, Priority: 5}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	if _, err := c.Dispatcher.Get(t.Context(), "d"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
