package cloud_test

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/link/wire"
	v1 "tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// nodes is a NATS cluster whose members go away and come back.
type nodes struct {
	t       *testing.T
	options []*server.Options
	running []*server.Server
}

func cluster(t *testing.T, n int) *nodes {
	t.Helper()
	c := &nodes{t: t, running: make([]*server.Server, n)}
	port := func() int {
		l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
		defer l.Close()
		return l.Addr().(*net.TCPAddr).Port
	}
	var routes []*url.URL
	for i := range n {
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: port(), JetStream: true, StoreDir: t.TempDir(),
			JetStreamMaxStore: 1 << 40, NoLog: true, NoSigs: true,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: port()},
		}
		c.options = append(c.options, o)
		routes = append(routes, must(url.Parse(fmt.Sprintf("nats://127.0.0.1:%d", o.Cluster.Port)))(t))
	}
	for i := range n {
		c.options[i].Routes = routes
		c.up(i)
	}
	t.Cleanup(func() {
		for i := range n {
			c.down(i)
		}
	})
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		for _, s := range c.running {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == n {
				return c
			}
		}
		if time.Now().After(end) {
			t.Fatal("the NATS cluster does not find together")
		}
	}
}

func (c *nodes) up(i int) {
	c.t.Helper()
	s := must(server.NewServer(c.options[i].Clone()))(c.t)
	s.Start()
	c.running[i] = s
	if !s.ReadyForConnections(60 * time.Second) {
		c.t.Fatal("a NATS node does not start")
	}
}

func (c *nodes) down(i int) {
	if s := c.running[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	c.running[i] = nil
}

func (c *nodes) urls() []string {
	var urls []string
	for _, o := range c.options {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return urls
}

// Two of three NATS nodes are away for longer than the lease. Agents that were there all the time
// lose nothing: what runs goes on, what is retryable is not started again, and a result that could
// not be stored is taken afterwards.
func TestQuorumLostLongerThanTheLease(t *testing.T) {
	t.Parallel()
	const lease = 9 * time.Second
	nats := cluster(t, 3)
	onNATS := func(cfg *cloud.Config) { cfg.NATS, cfg.Lease = nats.urls(), lease }
	first := start(t, t.TempDir(), onNATS)
	second := start(t, beside(t, first), onNATS)
	must(first.CreateEnvironment(t.Context(), "lab", ""))(t)
	// A machine that is busy may not make a new cluster's writes durable in time, which is what the test
	// brings about later: it begins when the store is well.
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := first.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Organization")), nil, false)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "nothing new is taken now") || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	data, _, err := first.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	id.env["brokerHost"] = second.endpoint.Broker
	slots := func(n int) func(*wire.Hello) { return func(h *wire.Hello) { h.Slots, h.Executors = n, n } }
	a := must(second.join(id, slots(3)))(t)
	// Given out one by one, by way of either cloud.
	runs := map[string]wire.Ref{}
	for name, by := range map[string]*running{"plain": first, "retryable": second, "finished": first} {
		run := must(by.Run(t.Context(), v1.NewExecution{
			Environment: "lab", App: "App", Params: map[string]string{"user": "x"}, Retryable: name == "retryable",
		}))(t)
		o := next[*wire.Order](a)
		if o.Order != run.ID {
			t.Fatalf("got order %s, want %s", o.Order, run.ID)
		}
		runs[name] = o.Ref
		for _, m := range []wire.Message{&wire.Accepted{Ref: o.Ref}, &wire.Progress{Ref: o.Ref, State: wire.StateRunning}} {
			if err := a.Write(m); err != nil {
				t.Fatal(err)
			}
		}
	}

	nats.down(1)
	nats.down(2)
	if err := a.Write(&wire.Result{Ref: runs["finished"], Outcome: wire.Succeeded}); err != nil {
		t.Fatal(err)
	}
	for ended := false; !ended; {
		m, err := a.Read(timeout)
		if ack, ok := m.(*wire.ResultAck); ok {
			t.Fatalf("the result was answered with %+v while it could not be stored", ack)
		}
		ended = err != nil // the session has ended
		if _, ok := m.(*wire.Ping); ok {
			_ = a.Write(&wire.Pong{})
		}
	}
	// both waits until the logs of both clouds match, from where they last said that the store
	// failed.
	both := func(say *regexp.Regexp) {
		for _, c := range []*running{first, second} {
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				log := c.log.String()
				if say.MatchString(log[max(0, strings.LastIndex(log, "check=store state=failed")):]) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("a cloud does not say %q", say)
				}
			}
		}
	}
	both(regexp.MustCompile("check=store state=failed"))
	time.Sleep(lease)
	nats.up(1)
	nats.up(2)
	both(regexp.MustCompile("check=store state=(ok|warning)"))

	// By the other cloud, as any agent may.
	id.env["brokerHost"] = first.endpoint.Broker
	left := maps.Clone(runs)
	join := func() *agent {
		return first.rejoin(id, slots(1), func(h *wire.Hello) {
			for name, ref := range left {
				if name == "finished" {
					h.Results = append(h.Results, ref)
				} else {
					h.Orders = append(h.Orders, wire.InFlight{Ref: ref, State: wire.StateRunning})
				}
			}
		})
	}
	a = join()
	for name, ref := range runs {
		a = first.deliver(a, join, ref)
		delete(left, name)
	}
	for name, ref := range runs {
		if e := must(second.Wait(t.Context(), ref.Order, nil))(t); e.State != wire.State(wire.Succeeded) || e.Attempt != 1 {
			t.Errorf("%s: %s as attempt %d", name, e.State, e.Attempt)
		}
	}
}

// rejoin joins as an agent does: again and again, and within half a minute.
func (c *running) rejoin(id identity, change ...func(*wire.Hello)) *agent {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		a, err := c.join(id, change...)
		switch {
		case err == nil:
			return a
		case time.Now().After(end):
			c.t.Fatalf("joining after the store is back: %v", err)
		}
	}
}

// deliver sends the success of ref until it is acknowledged, as an agent does. A bucket whose
// leader is not elected yet ends the session with "retry later", although the store takes writes
// again elsewhere: the agent joins anew.
func (c *running) deliver(a *agent, join func() *agent, ref wire.Ref) *agent {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		err := a.Write(&wire.Result{Ref: ref, Outcome: wire.Succeeded})
		for err == nil {
			var m wire.Message
			m, err = a.Read(timeout)
			switch m := m.(type) {
			case *wire.ResultAck:
				if m.Ref != ref || m.Fenced || m.Unknown {
					c.t.Fatalf("result of %s was answered with %+v", ref, m)
				}
				return a
			case *wire.Order:
				c.t.Fatalf("order %s was given out a second time", m.Ref)
			}
		}
		if time.Now().After(end) {
			c.t.Fatalf("delivering the result of %s: %v", ref, err)
		}
		a = join()
	}
}
