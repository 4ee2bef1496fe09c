package registry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// TestAway: a server counts as away once it has been missed for an hour of looking, from its first
// absence on, and no more when it is back; those that are away for long are revoked, and no other.
func TestAway(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	gone, back, here, renewed := c.issue(registry.Request{Environment: "lab", Name: "gone"}).XID, c.issue(registry.Request{Environment: "lab", Name: "back"}).XID,
		c.issue(registry.Request{Environment: "lab", Name: "here"}).XID, c.issue(registry.Request{Environment: "lab", Name: "renewed"}).XID
	start := time.Now().UTC().Truncate(time.Second)
	absences := c.Absences()
	look := func(after time.Duration, connected ...wire.ServerXID) {
		t.Helper()
		if err := absences.Note(t.Context(), connected, start.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	away := func() map[wire.ServerXID]time.Duration {
		all := map[wire.ServerXID]time.Duration{}
		for _, s := range c.Servers("") {
			if s.Away != nil {
				all[s.XID] = s.Away.Sub(start)
			}
		}
		return all
	}
	expect := func(want map[wire.ServerXID]time.Duration) {
		t.Helper()
		if d := cmp.Diff(want, away()); d != "" {
			t.Errorf("away since (-want +got):\n%s", d)
		}
	}
	look(0)                          // a cloud that was just started
	look(10*time.Minute, back, here) // they came back
	look(30*time.Minute, here)
	expect(map[wire.ServerXID]time.Duration{})
	look(time.Hour, here)
	expect(map[wire.ServerXID]time.Duration{gone: 0, renewed: 0})
	look(90*time.Minute, here)
	expect(map[wire.ServerXID]time.Duration{gone: 0, renewed: 0, back: 30 * time.Minute})
	look(48*time.Hour, here, back) // nobody looked for long
	expect(map[wire.ServerXID]time.Duration{gone: 0, renewed: 0})
	look(49*time.Hour, here)
	expect(map[wire.ServerXID]time.Duration{gone: 0, renewed: 0})

	c.issue(registry.Request{Environment: "lab", Server: renewed})
	asked := []wire.ServerXID{gone, back, here, renewed, "none"}
	for _, tt := range []struct {
		away    time.Duration
		revoked []wire.ServerXID
		why     []string
	}{
		{50 * time.Hour, nil, []string{"it is away since " + start.Format(time.RFC3339), "it is not known to be away", "it is connected", "it is away since " + start.Format(time.RFC3339), "there is no such server"}},
		{48 * time.Hour, []wire.ServerXID{gone}, []string{"it is not known to be away", "it is connected", "a newer bundle was made for it", "there is no such server"}},
		{0, nil, []string{"it is revoked already", "it is not known to be away", "it is connected", "a newer bundle was made for it", "there is no such server"}},
	} {
		revoked, kept, err := c.RevokeAway(t.Context(), asked, []wire.ServerXID{here}, tt.away, start.Add(49*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var xids []wire.ServerXID
		for _, s := range revoked {
			xids = append(xids, s.XID)
		}
		var why []string
		for _, k := range kept {
			why = append(why, k.Why)
		}
		if d := cmp.Diff(tt.revoked, xids) + cmp.Diff(tt.why, why); d != "" {
			t.Errorf("away for %s (-want +got):\n%s", tt.away, d)
		}
	}
	if s, err := c.gateway().Server(gone); err != nil || s.Revoked == nil {
		t.Errorf("at another gateway: %+v, %v", s, err)
	}
}
