package server

import (
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// TestLongAway: what prune would revoke is what the cloud would.
func TestLongAway(t *testing.T) {
	now := time.Now()
	at := func(name string, away time.Duration) v1.Server {
		since := now.Add(-away)
		return v1.Server{Server: registry.Server{Name: name, Away: &since}}
	}
	revoked, pending := at("revoked", 99*day), at("pending", 99*day)
	revoked.Revoked, pending.PendingBundle = &now, &now
	list := longAway([]v1.Server{at("long", 30*day), at("short", 30*day-time.Minute), {}, revoked, pending}, 30*day, now)
	if len(list) != 1 || list[0].Name != "long" {
		t.Errorf("got %+v", list)
	}
}

func TestDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * day, "48h": 2 * day, "999999999d": 36500 * day, "1h": 0, "0d": 0, "-1d": 0, "d": 0, "": 0, "30": 0, "x": 0} {
		var d days
		if err := d.Set(text); time.Duration(d) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %s, %v; want %s", text, time.Duration(d), err, want)
		}
	}
}
