package registry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/registry"
)

// TestDrain: a drain is known at every gateway with who said so, and one of them ends it when its time
// is over.
func TestDrain(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	i := c.issue(registry.Request{Environment: "lab"})
	there := c.gateway()
	s := &sessions{cut: make(chan string, 4)}
	if there.Drained(i.XID) {
		t.Error("a new server is drained")
	}
	got, err := c.SetDrain(t.Context(), i.XID, registry.Drain{By: "ann", Owner: "Bo", Reason: "new disk"}, time.Second)
	if err != nil || got.Drain == nil || got.Drain.By != "ann" || got.Drain.Who() != "ann for Bo" || got.Drain.Reason != "new disk" || got.Drain.Until.Sub(got.Drain.Since) != time.Second {
		t.Fatalf("got %+v, %v", got.Drain, err)
	}
	registry.ResumeDue(t.Context(), c.Registry, s)
	if len(s.cut) > 0 {
		t.Errorf("resumed early: %s", <-s.cut)
	}
	for time.Now().Before(got.Drain.Until) {
		time.Sleep(time.Until(got.Drain.Until))
	}
	if c.Drained(i.XID) {
		t.Error("drained after its time")
	}
	registry.ResumeDue(t.Context(), c.Registry, s)
	registry.ResumeDue(t.Context(), c.gateway(), s) // does not do it again
	if n := len(s.cut); n != 1 {
		t.Fatalf("resumed %d times; want once", n)
	}
	if _, err = c.SetDrain(t.Context(), i.XID, registry.Drain{By: "ann"}, 0); err != nil || !c.Drained(i.XID) || !c.gateway().Drained(i.XID) {
		t.Errorf("a drain without an end: %t, %v", c.Drained(i.XID), err)
	}
	if got, err = c.EndDrain(t.Context(), i.XID); err != nil || got.Drain != nil || c.Drained(i.XID) {
		t.Errorf("after its end: %+v, %v", got.Drain, err)
	}
	for _, bad := range []time.Duration{-1, 91 * 24 * time.Hour} {
		if _, err := c.SetDrain(t.Context(), i.XID, registry.Drain{By: "ann"}, bad); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("a drain of %s: %v", bad, err)
		}
	}
	if _, err := c.SetDrain(t.Context(), i.XID, registry.Drain{Reason: strings.Repeat("x", 257)}, 0); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "reason of 257 bytes: want up to 256") {
		t.Errorf("a long reason: %v", err)
	}
	if _, err := c.SetDrain(t.Context(), i.XID, registry.Drain{Owner: strings.Repeat("x", 129)}, 0); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "owner of 129 bytes: want up to 128") {
		t.Errorf("a long owner: %v", err)
	}
	if _, err := c.SetDrain(t.Context(), "none", registry.Drain{By: "ann"}, 0); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a server that is not there: %v", err)
	}
}
