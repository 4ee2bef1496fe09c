package releases

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

func TestWanted(t *testing.T) {
	now := time.Now()
	p := Plan{
		Channels: map[string]Rollout{
			"stable": {Version: "1.4.2", Canaries: []wire.ServerXID{"canary"}, NotBefore: now.Add(time.Hour)},
			"beta":   {Version: "1.5.0", Percent: 100},
			"broken": {Version: "1.6.0", Percent: 100, Halted: "it failed"},
		},
		Environments: map[string]Choice{"lab": {Channel: "beta"}, "frozen": {Pin: "1.0.0"}, "bad": {Channel: "broken"}, "empty": {Channel: "nobody"}},
		Servers:      map[wire.ServerXID]Choice{"special": {Pin: "1.3.0"}, "brave": {Channel: "beta"}},
	}
	for name, c := range map[string]struct {
		server Server
		want   string
		wait   bool
	}{
		"a canary waits for its time":        {Server{"canary", "prod"}, "1.4.2", true},
		"nobody else yet":                    {Server{"other", "prod"}, "", false},
		"channel of the Environment":         {Server{"other", "lab"}, "1.5.0", false},
		"channel of the server":              {Server{"brave", "prod"}, "1.5.0", false},
		"pin of the Environment":             {Server{"other", "frozen"}, "1.0.0", false},
		"the server's pin wins":              {Server{"special", "frozen"}, "1.3.0", false},
		"a pin of the Environment wins over": {Server{"brave", "frozen"}, "1.0.0", false},
		"halted":                             {Server{"other", "bad"}, "", false},
		"a channel without release":          {Server{"other", "empty"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.Wanted(c.server, now)
			if got.Version != c.want || got.WaitMS > 0 != c.wait || got.Reason == "" {
				t.Errorf("got %+v, want %q and wait %v", got, c.want, c.wait)
			}
		})
	}
}

// A tenth are a tenth, and those of the next release are others.
func TestPercentagesAreEvenAndChange(t *testing.T) {
	first := map[wire.ServerXID]bool{}
	count, both := 0, 0
	for i := range 5000 {
		s := Server{XID: wire.ServerXID(fmt.Sprintf("server-%d", i))}
		chosen := func(version string) bool {
			p := Plan{Channels: map[string]Rollout{DefaultChannel: {Version: version, Percent: 10}}}
			return p.Wanted(s, time.Now()).Version == version
		}
		if first[s.XID] = chosen("1.0.0"); first[s.XID] {
			count++
			if chosen("1.1.0") {
				both++
			}
		}
	}
	if count < 400 || count > 600 {
		t.Errorf("10 %% of 5,000 are %d", count)
	}
	if both > 100 {
		t.Errorf("%d of %d are first again", both, count)
	}
}

func TestWhoWasChosenStaysChosen(t *testing.T) {
	for i := range 500 {
		s := Server{XID: wire.ServerXID(fmt.Sprintf("server-%d", i))}
		was := false
		for _, percent := range []float64{0, 1, 10, 50, 100} {
			p := Plan{Channels: map[string]Rollout{DefaultChannel: {Version: "1.0.0", Percent: percent}}}
			is := p.Wanted(s, time.Now()).Version != ""
			if was && !is || percent == 0 && is || percent == 100 && !is {
				t.Fatalf("%s at %g %%: %v after %v", s.XID, percent, is, was)
			}
			was = is
		}
	}
}

func TestFailuresAreCountedByChannel(t *testing.T) {
	p := Plan{Channels: map[string]Rollout{"stable": {Version: "2.0.0"}, "beta": {Version: "2.0.0"}}, Environments: map[string]Choice{"lab": {Channel: "beta"}}}
	report := func(xid wire.ServerXID, env, failed string) Report {
		return Report{Server: Server{xid, env}, Update: wire.Update{Failed: failed}}
	}
	reports := []Report{report("a", "prod", "2.0.0"), report("b", "prod", "1.9.0"), report("c", "lab", "2.0.0"), report("d", "prod", "")}
	if got := p.failed("stable", reports); len(got) != 1 || got[0] != "a" {
		t.Errorf("stable: got %v, want a", got)
	}
	if got := p.failed("beta", reports); len(got) != 1 || got[0] != "c" {
		t.Errorf("beta: got %v, want c", got)
	}
}

func TestRolloutsThatMakeNoSense(t *testing.T) {
	for _, r := range []Rollout{{Version: "v1.0.0"}, {Version: ""}, {Version: "1.0.0", Percent: 101}, {Version: "1.0.0", Percent: -1}, {Version: "1.0.0", MaxFailures: -1}} {
		if err := r.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: got %v, want ErrInvalid", r, err)
		}
	}
}
