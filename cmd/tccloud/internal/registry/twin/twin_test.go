package twin

import (
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func host(machine, boot string) Host {
	return Of(&wire.Hello{Journal: "j-" + boot, BootID: boot, MachineID: machine, Hostname: "h"}, "10.0.0.1:1", now)
}

// elsewhere is what a thief can say who copied all of h.
func elsewhere(h Host) Host { h.Address = "198.51.100.7:1"; return h }

// TestBars: who is kept out while nobody has a session.
func TestBars(t *testing.T) {
	a, b := host("m1", "a1"), host("m2", "b1")
	clone := host("m1", "c1") // with the original's machine id
	kept := func(c Conflict, id string) Conflict { c.Kept, c.KeptIP = id, "10.0.0.1"; return c }
	other, _ := (*Conflict)(nil).AddProof(a, b, now)
	same, _ := (*Conflict)(nil).AddProof(a, clone, now)
	for name, tc := range map[string]struct {
		c    Conflict
		host Host
		at   time.Duration
		want bool
	}{
		"the holder":                              {other, a, 0, false},
		"the holder, rebooted":                    {other, host("m1", "a2"), 0, false},
		"the other":                               {other, b, 0, true},
		"the other, rebooted":                     {other, host("m2", "b2"), 0, true},
		"a third":                                 {other, host("m3", "x"), 0, false},
		"the other, when the proof is old":        {other, b, Fresh, false},
		"the other, after a clock ten years off":  {other, b, -10 * 365 * 24 * time.Hour, false},
		"a clone":                                 {same, clone, 0, true},
		"a clone's original":                      {same, a, 0, false},
		"a clone or its original, rebooted":       {same, host("m1", "?"), 0, false}, // nobody can tell
		"the other, which is kept":                {kept(other, b.ID), b, 0, false},
		"the other, which is kept, rebooted":      {kept(other, b.ID), host("m2", "b2"), 0, false},
		"who says to be the kept one, elsewhere":  {kept(other, b.ID), elsewhere(b), 0, true},
		"the holder, when the other is kept":      {kept(other, b.ID), a, 0, true},
		"a third, when one is kept":               {kept(other, b.ID), host("m3", "x"), 0, true},
		"the holder, kept, when the proof is old": {kept(other, b.ID), a, 24 * time.Hour, true},
	} {
		if got := tc.c.Excludes(tc.host, now.Add(tc.at)); got != tc.want {
			t.Errorf("%s: barred %v, want %v", name, got, tc.want)
		}
	}
	if (*Conflict)(nil).Excludes(a, now) {
		t.Error("barred without a conflict")
	}
}

// TestProve: one proof is stored once a minute, a rebooted host takes its own place in the list,
// and the list is bounded.
func TestProve(t *testing.T) {
	a, b := host("m1", "a1"), host("m2", "b1")
	c, changed := (*Conflict)(nil).AddProof(a, b, now)
	if !changed {
		t.Error("the first proof changes nothing")
	}
	if _, changed = c.AddProof(a, b, now.Add(proofEvery/2)); changed {
		t.Error("the same proof is stored again at once")
	}
	if n, changed := c.AddProof(a, b, now.Add(proofEvery)); !changed || !n.Since.Equal(c.Since) || !n.Proved.After(c.Proved) {
		t.Errorf("after a minute: %+v, %v", n, changed)
	}
	if n, changed := c.AddProof(a, host("m2", "b2"), now); !changed || len(n.Others) != 1 || n.Others[0].ID != host("m2", "b2").ID {
		t.Errorf("rebooted: %+v, %v", n, changed)
	}
	if n, _ := c.AddProof(b, a, now); n.Holder.ID != b.ID || len(n.Others) != 1 || n.Others[0].ID != a.ID {
		t.Errorf("changed places: %+v", n)
	}
	for i := range 3 * maxOthers {
		c, _ = c.AddProof(a, host("", string(rune('c'+i))), now)
	}
	if len(c.Others) != maxOthers {
		t.Errorf("%d others", len(c.Others))
	}
	// Ever new names are no news …
	if _, changed := c.AddProof(a, host("", "new"), now); changed {
		t.Error("each new name is written down")
	}
	// … and do not drive out who was chosen, nor does who says to be it.
	if _, err := c.Keep(c.Others[0].ID, now); err != nil {
		t.Fatal(err)
	}
	chosen := c.Others[0]
	for i := range 3 * maxOthers {
		c, _ = c.AddProof(a, host("", string(rune('A'+i))), now.Add(time.Duration(i)*proofEvery))
		c, _ = c.AddProof(a, elsewhere(chosen), now.Add(time.Duration(i)*proofEvery))
	}
	if c.Excludes(chosen, now) || !c.Excludes(elsewhere(chosen), now) {
		t.Errorf("the chosen one was driven out: %+v", c)
	}
}

// TestKeep: a beginning that only one has is enough.
func TestKeep(t *testing.T) {
	a, b := host("m1", "a1"), host("m2", "b1")
	const none = " names 0 of its hosts, want one; write HOST@ADDRESS where two have the same id"
	for name, tc := range map[string]struct {
		id, want string
		at       time.Duration
		says     string
	}{
		"whole": {a.ID, a.ID, 0, ""}, "beginning": {b.ID[:6], b.ID, 0, ""}, "nothing": {"", "", 0, `""` + none}, "too long": {a.ID + "0", "", 0, none},
		"unknown": {"zz", "", 0, `"zz"` + none}, "old": {a.ID, "", Fresh, "there is nothing to choose: no two hosts ran as this server in the last 10m0s"},
	} {
		c, _ := (*Conflict)(nil).AddProof(a, b, now)
		h, err := c.Keep(tc.id, now.Add(tc.at))
		if h.ID != tc.want || c.Kept != tc.want || (err == nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: kept %q, %v", name, h.ID, err)
		}
	}
}

// TestKeepOfACopy: a thief that says the same of itself keeps nobody from being chosen.
func TestKeepOfACopy(t *testing.T) {
	a := host("m1", "a1")
	for name, tc := range map[string]struct {
		other Host
		id    string
		good  bool
	}{
		"one id, two addresses":        {elsewhere(a), a.ID, false},
		"one id, with the address":     {elsewhere(a), a.ID + "@198.51.100.7", true},
		"one id, a foreign address":    {elsewhere(a), a.ID + "@192.0.2.1", false},
		"one id, one address, as NATs": {a, a.ID, true},
	} {
		c, _ := (*Conflict)(nil).AddProof(a, tc.other, now)
		if h, err := c.Keep(tc.id, now); (err == nil) != tc.good || tc.good && !h.Same(tc.other) {
			t.Errorf("%s: kept %+v, %v", name, h, err)
		}
	}
}

// TestLeave: when the other gave up, there is no conflict.
func TestLeave(t *testing.T) {
	a, b, d := host("m1", "a1"), host("m2", "b1"), host("m3", "d1")
	c, _ := (*Conflict)(nil).AddProof(a, b, now)
	c, _ = c.AddProof(a, d, now)
	n := c.Leave(b.Boot)
	if n == nil || len(n.Others) != 1 || n.Others[0].ID != d.ID {
		t.Fatalf("%+v", n)
	}
	if n = n.Leave(d.Boot); n != nil {
		t.Errorf("%+v", n)
	}
}
