package service

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/job/internal/broker"
	"tcenvsvr/agent/job/internal/spec"
)

// TestSilence: an App that answers goes on, one that works goes on as well, and one that is silent is
// given up in time, for a reason that says what it did not do.
func TestSilence(t *testing.T) {
	answer := func(command string) func(*Service) {
		return func(v *Service) { v.message([]byte(`{"command":"`+command+`","metric":{"Hits":1}}`), false, false) }
	}
	const long = time.Hour
	for _, tc := range []struct {
		name   string
		begin  []func(*Service) // what the App does first
		every  func(*Service)   // what it does every ten seconds
		within time.Duration    // it is given up, 0 = never
		why    string
	}{
		{name: "it never connects", within: readyTimeout + beatEvery, why: `"unready"`},
		{name: "it connects and is never ready", begin: []func(*Service){listens}, within: readyTimeout + beatEvery, why: `"connected"`},
		{name: "it says Ready and nothing more", begin: []func(*Service){listens, answer("Ready")}, within: (maxMissed + 1) * beatEvery, why: "3 heartbeats"},
		{name: "it answers", begin: []func(*Service){listens, answer("Ready")}, every: answer("Heartbeat")},
		{name: "it fires, and has no time for heartbeats", begin: []func(*Service){listens, answer("Ready")}, every: answer("FireEvent")},
		{name: "it answers requests only", begin: []func(*Service){listens, answer("Ready")}, every: answer("Acknowledged")},
		{name: "it says what has no meaning", begin: []func(*Service){listens, answer("Ready")}, every: answer("Nonsense"), within: (maxMissed + 1) * beatEvery, why: "3 heartbeats"},
		{name: "it leaves and stays away", begin: []func(*Service){listens, answer("Ready"), leaves}, within: readyTimeout + beatEvery, why: `"gone"`},
		{name: "it comes back", begin: []func(*Service){listens, answer("Ready"), leaves, listens}, every: answer("Heartbeat")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				v := &Service{broker: &broker.Broker{}, silent: make(chan string, 1), done: make(chan struct{}), state: spec.ServiceState{State: spec.ServiceUnready}}
				if err := v.Open(0o660); err != nil {
					t.Fatal(err)
				}
				for _, do := range tc.begin {
					do(v)
				}
				begin, why := time.Now(), ""
				for why == "" && time.Since(begin) < long {
					select {
					case why = <-v.Silent():
					case <-time.After(beatEvery):
						if tc.every != nil {
							tc.every(v)
							v.spool.Taken(1 << 30)
						}
					}
				}
				if took := time.Since(begin); (why == "") != (tc.within == 0) || why != "" && took > tc.within || !strings.Contains(why, tc.why) {
					t.Errorf("after %s: %q; want %q within %s", took, why, tc.why, tc.within)
				}
				close(v.done)
				if err := v.spool.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func listens(v *Service) { v.connected(true) }
func leaves(v *Service)  { v.connected(false) }
