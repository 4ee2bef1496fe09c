package test

import (
	"fmt"
	"testing"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// agentBehindRelay starts an agent in an Environment of its own that reaches the broker through a
// relay.
func (s *scene) agentBehindRelay(c *stage.Cloud, name, transport string) (*stage.Agent, *relay) {
	s.t.Helper()
	_, err := c.Do(s.ctx, "env", "create", name)
	s.must(err, "creating an Environment")
	r := newRelay(s.t, "127.0.0.1:0", c.Broker)
	return s.agent(c, name, name, "--appsRunner", "none", "--brokerHost", r.addr(), "--queueTransport", transport), r
}

// TestNetworkCutInMidFrame ends connections after each of many bytes while an order is given,
// accepted, run and reported, in both directions and over both transports: every order runs exactly
// once and its result arrives.
func TestNetworkCutInMidFrame(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	const agents, rounds = 8, 3
	var names [agents]string
	var relays [agents]*relay
	var servers [agents]*stage.Agent
	for i := range agents {
		names[i] = fmt.Sprint("agent-", i)
		servers[i], relays[i] = s.agentBehindRelay(c, names[i], []string{"", "websocket"}[i%2])
	}
	// Rounds are few because the wait before the next connection doubles.
	for round := range rounds {
		ids, marks := make([]string, agents), make([]string, agents)
		for i := range agents {
			// An order's life is some 1,150 bytes up and 650 down.
			dir, n := direction(i/2%2), round*4+i/4*2+i%2
			offset := 1 + n*[]int{up: 97, down: 55}[dir]
			marks[i] = fmt.Sprintf("%s-%d-%d", names[i], dir, offset)
			relays[i].cutAfter(dir, offset)
			var err error
			ids[i], err = s.sleeper(c, names[i], marks[i], 0.2)
			s.must(err, "giving an order")
		}
		for i := range agents {
			s.ranOnce(c, ids[i], marks[i])
		}
	}
	cuts := 0
	for i, r := range relays {
		cuts += r.cutsDone()
		s.waitIdle(servers[i]) // it knows that its results arrived
	}
	if cuts != agents*rounds {
		t.Errorf("%d connections were cut; want %d", cuts, agents*rounds)
	}
}

// TestNetworkFreeze lets nothing pass any more, in both directions or one, without closing: agent
// and cloud notice, a new session takes over, and the result of what ran meanwhile arrives.
func TestNetworkFreeze(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab", "--heartbeat", "300ms")
	s.add(c, "sleep")
	frozen := []struct {
		name, transport string
		directions      []direction
		id              string
		a               *stage.Agent
		epoch           int64
	}{
		{name: "raw", directions: []direction{up, down}},
		{name: "websocket", transport: "websocket", directions: []direction{up, down}},
		{name: "raw-up", directions: []direction{up}},
		{name: "websocket-down", transport: "websocket", directions: []direction{down}},
	}
	for i := range frozen {
		f := &frozen[i]
		var r *relay
		f.a, r = s.agentBehindRelay(c, f.name, f.transport)
		f.epoch = s.newSession(f.a, 0)
		var err error
		f.id, err = s.sleeper(c, f.name, f.name, 2)
		s.must(err, "giving an order")
		s.eventually("waiting for the App to start", func() error { return s.appStarted(f.name) })
		r.freeze(f.directions...)
	}
	for _, f := range frozen {
		s.newSession(f.a, f.epoch)
		s.ranOnce(c, f.id, f.name)
		s.waitIdle(f.a)
		want := "fault.code=session.heartbeat_lost"
		if len(f.directions) == 1 && f.directions[0] == up {
			want = "fault.code=session.heartbeat" // the cloud noticed and could say so
		}
		s.must(logged(f.a, want), "reading the log")
	}
}
