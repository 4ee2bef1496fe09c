package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/health"
)

// two runs two gateways on one external store.
func two(t *testing.T) (a, b *rig.Cloud) {
	t.Helper()
	o := rig.Options{URLs: []string{rig.External(t)}, CA: rig.NewCA(t), Referee: &rig.Referee{}, Dispatch: func(d *dispatch.Config) { d.Lease = time.Second }}
	a, b = rig.Start(t, o), rig.Start(t, o)
	for _, c := range []*rig.Cloud{a, b} {
		for c.Dispatcher.Gateways() < 2 {
			time.Sleep(time.Millisecond)
		}
	}
	return a, b
}

// TestTwoGateways: what is asked of one gateway reaches a server at the other.
func TestTwoGateways(t *testing.T) {
	a, b := two(t)
	s := a.Agent("s1", 1)
	first := b.Submit()
	o := rig.Expect[*wire.Order](s)
	if o.Order != first.ID {
		t.Fatalf("got %s, want %s", o.Order, first.ID)
	}
	if err := b.Dispatcher.Cancel(t.Context(), first.ID, "why not"); err != nil {
		t.Fatal(err)
	}
	rig.Expect[*wire.Cancel](s)
	s.Send(&wire.Log{Ref: o.Ref, Stream: wire.Stdout, Data: []byte("log")}, &wire.Info{Hostname: "h1"})
	s.Send(&wire.Result{Ref: o.Ref, Outcome: wire.Cancelled})
	rig.Expect[*wire.ResultAck](s)
	b.WaitState(first.ID, wire.State(wire.Cancelled))
	for p, err := range b.Dispatcher.Logs(t.Context(), first.ID, dispatch.LogFilter{}) {
		if err != nil || string(p.Data) != "log" {
			t.Errorf("log from the other gateway: %q, %v", p.Data, err)
		}
	}
	other := b.Agent("s2", 1, rig.Dialing{WebSocket: true})
	for _, c := range []*rig.Cloud{a, b} {
		until(t, "all sessions are known at both", func() bool {
			list := c.Gateway.Sessions()
			return len(list) == 2 && list[0].XID == "s1" && list[0].Info != nil && list[1].Transport == "websocket"
		})
		if s, state := c.Gateway.Look("s1"); state != roster.Connected || s.Info.Hostname != "h1" {
			t.Errorf("the first is in state %d: %+v", state, s)
		}
	}
	list, away := a.Gateway.Census()
	if len(list) != 2 || !away("s3") {
		t.Errorf("census: %+v", list)
	}
	if err := a.Gateway.Control(t.Context(), "s2", &wire.Control{Action: wire.ActionDrain}); err != nil {
		t.Error(err)
	}
	rig.Expect[*wire.Control](other)
	if err := a.Gateway.Control(t.Context(), "s3", &wire.Control{Action: wire.ActionDrain}); !errors.Is(err, gateway.ErrNotConnected) {
		t.Errorf("control of nobody: %v", err)
	}
	if err := a.Gateway.Disconnect(t.Context(), "s2", wire.CodeRevoked, "revoked by an operator"); err != nil {
		t.Error(err)
	}
	if e := rig.Expect[*wire.Error](other); e.Code != wire.CodeRevoked {
		t.Errorf("disconnected with %+v", e)
	}
	until(t, "the other gateway knows that the session is over", func() bool { return len(a.Gateway.Sessions()) == 1 })
}

// TestSilentGateway: the servers of a gateway that was cut off are unknown, and not away, until their
// lease is over or another one has them.
func TestSilentGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("a gateway is silent after six seconds")
	}
	o := rig.Options{URLs: []string{rig.External(t)}, CA: rig.NewCA(t), Referee: &rig.Referee{}, Dispatch: func(d *dispatch.Config) { d.Lease = 10 * time.Second }}
	a, b := rig.Start(t, o), rig.Start(t, o)
	a.Agent("s1", 1)
	a.Agent("s2", 1)
	state := func(xid wire.ServerXID) roster.State { _, s := b.Gateway.Look(xid); return s }
	until(t, "the sessions are known", func() bool { return state("s1") == roster.Connected && state("s2") == roster.Connected })
	a.Store.Conn().Close() // its agents are connected
	until(t, "the silence is noticed", func() bool { return state("s1") != roster.Connected })
	if s := state("s1"); s != roster.Unknown {
		t.Errorf("the server of a silent gateway is in state %d", s)
	}
	if err := b.Gateway.Control(t.Context(), "s1", &wire.Control{Action: wire.ActionDrain}); !errors.Is(err, gateway.ErrUnknown) {
		t.Errorf("control of a server at a silent gateway: %v", err)
	}
	b.Agent("s2", 1)
	if s := state("s2"); s != roster.Connected {
		t.Errorf("the server that came here is in state %d", s)
	}
	until(t, "the lease is over", func() bool { return state("s1") == roster.Away })
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(rig.Timeout); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waiting in vain until %s", what)
		}
	}
}

// TestFence: the newest session wins over one that does not answer, at whichever gateway, and what
// the older one was given is settled by its hello.
func TestFence(t *testing.T) {
	a, b := two(t)
	old := a.Agent("s1", 1)
	a.Submit()
	lost := rig.Expect[*wire.Order](old)
	old.Freeze()
	s := b.Agent("s1", 1)
	if e := rig.Expect[*wire.Error](old); e.Code != wire.CodeFenced {
		t.Fatalf("the older session got %+v", e)
	}
	if s.Welcome.Epoch <= old.Welcome.Epoch {
		t.Errorf("epoch %d after %d", s.Welcome.Epoch, old.Welcome.Epoch)
	}
	o := rig.Expect[*wire.Order](s)
	if o.Order != lost.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, lost.Order)
	}
}

// TestGatewayDies: the sessions of a gateway that fell silent are away, and its server goes on at
// the other one.
func TestGatewayDies(t *testing.T) {
	a, b := two(t)
	s := a.Agent("s1", 2)
	a.Submit()
	kept := rig.Expect[*wire.Order](s)
	a.Submit()
	lost := rig.Expect[*wire.Order](s)
	a.Stop()
	if e := rig.Expect[*wire.GoAway](s); e.Code != wire.CodeShutdown || e.Message != "this gateway is shutting down" || e.WindowMS == 0 {
		t.Errorf("goodbye was %+v", e)
	}
	s = b.Agent("s1", 1, rig.Dialing{Hello: func(h *wire.Hello) {
		h.Orders = []wire.InFlight{{Ref: kept.Ref, State: wire.StateRunning}}
	}})
	if o := rig.Expect[*wire.Order](s); o.Order != lost.Order || o.Attempt != 2 {
		t.Errorf("got %s, want attempt 2 of %s", o.Ref, lost.Order)
	}
	s.Kill()
	// Nobody has it now: the lease decides.
	b.WaitState(kept.Order, wire.State(wire.Interrupted))
}

// cluster runs three NATS servers and returns them and their addresses.
func cluster(t *testing.T) ([]*server.Server, []string) {
	t.Helper()
	var nodes []*server.Server
	var urls []string
	var routes []*url.URL
	for range 3 { // every node has to know all routes before it starts
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: l.Addr().String()})
		l.Close()
	}
	for i, r := range routes {
		port, err := strconv.Atoi(r.Port())
		if err != nil {
			t.Fatal(err)
		}
		ns, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}, Routes: routes,
		})
		if err != nil {
			t.Fatal(err)
		}
		ns.Start()
		t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
		nodes = append(nodes, ns)
	}
	for _, ns := range nodes {
		if !ns.ReadyForConnections(rig.Timeout) {
			t.Fatal("a node did not start")
		}
		urls = append(urls, ns.ClientURL())
	}
	for end := time.Now().Add(rig.Timeout); ; time.Sleep(20 * time.Millisecond) {
		if slices.ContainsFunc(nodes, func(n *server.Server) bool { return n.JetStreamIsLeader() }) &&
			!slices.ContainsFunc(nodes, func(n *server.Server) bool { return !n.JetStreamIsCurrent() || n.NumRoutes() == 0 }) {
			return nodes, urls
		}
		if time.Now().After(end) {
			t.Fatal("the cluster found no leader")
		}
	}
}

// TestCluster: with three nodes everything is kept three times, and one of them may die.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster takes seconds to elect its leaders")
	}
	nodes, urls := cluster(t)
	c := rig.Start(t, rig.Options{URLs: urls})
	a := c.Agent("s1", 1)
	o := rig.Expect[*wire.Order](waiting(c, a))
	for name := range c.Store.JS().StreamNames(t.Context()).Name() {
		s, err := c.Store.JS().Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if cfg := s.CachedInfo().Config; cfg.Replicas != 3 {
			t.Errorf("stream %q has %d copies", name, cfg.Replicas)
		}
	}
	nodes[2].Shutdown()
	nodes[2].WaitForShutdown()
	// The result is repeated until it is taken, as an agent does it.
	for end := time.Now().Add(2 * rig.Timeout); ; {
		a.Send(rig.Result(o.Ref))
		m, err := a.Recv()
		if ack, ok := m.(*wire.ResultAck); ok {
			if ack.Fenced {
				t.Error("result was fenced")
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("result was not taken: %v", err)
		}
		a.Kill()
		for {
			a, err = c.Join("s1", 1, rig.Dialing{Hello: func(h *wire.Hello) { h.Results = []wire.Ref{o.Ref} }})
			if err == nil || time.Now().After(end) {
				break
			}
		}
	}
}

// TestCopiesStay: a gateway that starts while a node is down lowers no number of copies.
func TestCopiesStay(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster takes seconds to elect its leaders")
	}
	nodes, urls := cluster(t)
	says := func(c *rig.Cloud, want string) {
		t.Helper()
		look := health.Store(c.Store).Look
		until(t, want, func() bool { return strings.Contains(look(t.Context()).Text, want) })
	}
	before := rig.Start(t, rig.Options{URLs: urls})
	says(before, "writes are durable on 3 copies")
	before.Stop()
	nodes[2].Shutdown()
	nodes[2].WaitForShutdown()
	c := rig.Start(t, rig.Options{URLs: urls[:2]})
	says(c, `writes are durable; of 3 copies, those on ["n2"] are away or behind`)
	n := 0
	for name := range c.Store.JS().StreamNames(t.Context()).Name() {
		s, err := c.Store.JS().Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if n++; s.CachedInfo().Config.Replicas != 3 {
			t.Errorf("stream %q has %d copies", name, s.CachedInfo().Config.Replicas)
		}
	}
	if copies, away, err := c.Store.Copies(t.Context()); n == 0 || copies != 3 || len(away) == 0 || err != nil {
		t.Errorf("%d streams, %d copies, away: %q, %v", n, copies, away, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the time for a look is over, and nothing else is wrong yet
	f := health.Store(c.Store).Look(ctx)
	if f.State != health.Warning || f.Text != "writes are durable; its copies were not counted: NATS does not answer" || f.Try != "ask NATS: nats stream report" {
		t.Errorf("when the nodes do not say how they are: %+v", f)
	}
}

// waiting hands in an order that goes to a.
func waiting(c *rig.Cloud, a *rig.Agent) *rig.Agent {
	c.T.Helper()
	c.Submit()
	return a
}
