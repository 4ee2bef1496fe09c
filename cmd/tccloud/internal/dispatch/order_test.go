package dispatch_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

func TestCancel(t *testing.T) {
	cancelled := wire.State(wire.Cancelled)
	c := rig.Start(t, rig.Options{})
	cancel := func(id wire.OrderID) {
		t.Helper()
		if err := c.Dispatcher.Cancel(t.Context(), id, "no longer wanted"); err != nil {
			t.Fatal(err)
		}
	}
	e := c.Submit()
	cancel(e.ID)
	if e := c.WaitState(e.ID, cancelled); e.Reason != "no longer wanted" {
		t.Errorf("reason %q", e.Reason)
	}
	if err := c.Dispatcher.Cancel(t.Context(), e.ID, ""); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("cancelling twice: %v", err)
	}
	if err := c.Dispatcher.Cancel(t.Context(), "nobody", ""); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("cancelling nothing: %v", err)
	}

	a := c.Agent("s1", 1)
	r := running(c, a)
	cancel(r.Order)
	if m := rig.Expect[*wire.Cancel](a); m.Ref != r || m.Reason != "no longer wanted" {
		t.Errorf("agent was told %+v", m)
	}
	a.Send(&wire.Result{Ref: r, Outcome: wire.Cancelled, Message: "stopped"}, &wire.Credit{N: 1})
	rig.Expect[*wire.ResultAck](a)
	c.WaitState(r.Order, cancelled)

	// While the server is away: it is told when it comes back.
	r = running(c, a)
	a.Kill()
	cancel(r.Order)
	a = c.Agent("s1", 0, rig.Dialing{Hello: inFlight(r, wire.StateRunning)})
	if m := rig.Expect[*wire.Cancel](a); m.Ref != r {
		t.Errorf("agent was told %+v", m)
	}
	// A held one that is to be cancelled is not allowed to start.
	a.Send(&wire.Credit{N: 1})
	r = held(c, a)
	cancel(r.Order)
	rig.Expect[*wire.Cancel](a)
	a.Send(&wire.Ready{Ref: r})
	rig.Expect[*wire.Cancel](a)
	a.Send(&wire.Refused{Ref: r, Reason: wire.ReasonUnknown})
	c.WaitState(r.Order, cancelled)
}

func TestPriority(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	want := map[int]wire.OrderID{}
	for _, p := range []int{0, 5, 9, 3} {
		want[p] = c.Submit(func(r *dispatch.Request) { r.Priority = p }).ID
	}
	a := c.Agent("s1", 1)
	for _, p := range []int{9, 5, 3, 0} {
		o := rig.Expect[*wire.Order](a)
		if o.Order != want[p] {
			t.Errorf("got priority %d, want %d", o.Priority, p)
		}
		a.Send(rig.Result(o.Ref))
		rig.Expect[*wire.ResultAck](a)
		a.Send(&wire.Credit{N: 1})
	}
}

// TestCredit: no session ever has more orders than it granted, and each order goes out once.
func TestCredit(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	const orders = 60
	for range orders / 2 {
		c.Submit()
	}
	var mu sync.Mutex
	seen := map[wire.OrderID]wire.ServerXID{}
	var wg sync.WaitGroup
	defer wg.Wait()
	done, lost := make(chan struct{}), make(chan error, 2)
	for i, slots := range []int{1, 3} {
		a := c.Agent(wire.ServerXID(fmt.Sprintf("s%d", i)), slots)
		wg.Go(func() {
			var inHand []wire.Ref
			for {
				m, err := a.Recv()
				if err != nil {
					lost <- err
					return
				}
				o, ok := m.(*wire.Order)
				if !ok {
					continue
				}
				if inHand = append(inHand, o.Ref); len(inHand) > slots {
					t.Errorf("%s has %d orders and %d slots", a.XID, len(inHand), slots)
				}
				mu.Lock()
				if other, ok := seen[o.Order]; ok {
					t.Errorf("%s went to %s and %s", o.Order, other, a.XID)
				}
				seen[o.Order] = a.XID
				if len(seen) == orders {
					close(done)
				}
				mu.Unlock()
				if len(inHand) == slots { // wait until it is full, then make room
					for _, r := range inHand {
						a.Conn.Write(rig.Result(r))
					}
					a.Conn.Write(&wire.Credit{N: len(inHand)})
					inHand = nil
				}
			}
		})
		defer a.Kill()
	}
	for range orders / 2 {
		c.Submit()
	}
	for range 2 {
		select {
		case <-done:
			return
		case err := <-lost:
			t.Logf("an agent got no more: %v", err)
		}
	}
	t.Errorf("%d of %d orders came", len(seen), orders)
}

// TestLeastLoaded: the session with the most free credit gets the order.
func TestLeastLoaded(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	small, big := c.Agent("small", 1), c.Agent("big", 3)
	for range 2 {
		c.Submit()
		rig.Expect[*wire.Order](big)
	}
	small.Silent(quiet)
}

func TestLogs(t *testing.T) {
	c := rig.Start(t, rig.Options{Dispatch: func(d *dispatch.Config) { d.LogStream = 26 }})
	a := c.Agent("s1", 1)
	r := running(c, a)
	piece := func(offset int64, s string) *wire.Log {
		return &wire.Log{Ref: r, Stream: wire.Stdout, Offset: offset, Data: []byte(s)}
	}
	got := make(chan string)
	go func() {
		var b strings.Builder
		for p, err := range c.Dispatcher.Logs(t.Context(), r.Order, dispatch.LogFilter{Stream: wire.Stdout, Follow: true}) {
			if err != nil || p.Offset != int64(b.Len()) {
				t.Errorf("piece at %d after %d bytes: %v", p.Offset, b.Len(), err)
			}
			b.Write(p.Data)
		}
		got <- b.String()
	}()
	a.Send(piece(0, "abcde"), piece(0, "abcde"), piece(3, "defgh"))
	a.Send(piece(9, "never")) // a gap ends the session, the next one says where to go on
	if e := rig.Expect[*wire.Error](a); e.Code != wire.CodeRetryLater || !strings.HasPrefix(e.Message, "log piece leaves a gap: log.") || !strings.HasSuffix(e.Message, " ends at 8, the piece begins at 9") {
		t.Fatalf("gap was answered with %+v", e)
	}
	a = c.Agent("s1", 0, rig.Dialing{Hello: inFlight(r, wire.StateRunning)})
	if l := a.Welcome.Logs; len(l) != 1 || l[0].Offset != 8 || l[0].Stream != wire.Stdout {
		t.Fatalf("welcome says %+v", l)
	}
	a.Send(piece(8, "ijklmnopqrstuvwxyz too much"), piece(35, "and more"))
	res := rig.Result(r)
	res.Output = map[wire.Stream]wire.OutputSize{wire.Stdout: {Written: 100, Kept: 43}}
	a.Send(res)
	rig.Expect[*wire.ResultAck](a)
	if s := <-got; s != "abcdefghijklmnopqrstuvwxyz" {
		t.Errorf("log is %q", s)
	}
	for p, err := range c.Dispatcher.Logs(t.Context(), r.Order, dispatch.LogFilter{Stream: wire.Stdout, Offset: 24}) {
		if err != nil || string(p.Data) != "yz" {
			t.Errorf("from 24: %q %v", p.Data, err)
		}
	}
}

// TestLargeParameters: what does not fit in a frame is fetched, and gone at the end.
func TestLargeParameters(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	a := c.Agent("s1", 1)
	for _, size := range []int{10, 20 << 10, 200 << 10} {
		params := map[string]string{"p": strings.Repeat("x", size)}
		c.Submit(func(r *dispatch.Request) { r.Params = params })
		o := rig.Expect[*wire.Order](a)
		if o.ParamsByHTTPS != (size > 128<<10) || !o.ParamsByHTTPS && !maps.Equal(o.Params, params) {
			t.Errorf("%d bytes: by HTTPS %v, %d parameters", size, o.ParamsByHTTPS, len(o.Params))
		}
		got, err := c.Dispatcher.Params(t.Context(), o.Order, o.Attempt)
		if err != nil || !maps.Equal(got, params) {
			t.Errorf("%d bytes: reading them: %v", size, err)
		}
		if xid, current, err := c.Dispatcher.Owner(t.Context(), o.Order, o.Attempt); xid != "s1" || !current || err != nil {
			t.Errorf("owner is %q, %v, %v", xid, current, err)
		}
		finish(c, a, o.Ref)
		a.Send(&wire.Credit{N: 1})
		if _, current, err := c.Dispatcher.Owner(t.Context(), o.Order, o.Attempt); current || err != nil {
			t.Errorf("owner after the end: %v, %v", current, err)
		}
	}
	objects, err := c.Store.Objects(t.Context(), "inputs")
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(rig.Timeout); ; time.Sleep(20 * time.Millisecond) {
		if _, err := objects.List(t.Context()); errors.Is(err, jetstream.ErrNoObjectsFound) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("objects outlive their orders")
		}
	}
	if _, err := c.Dispatcher.Params(t.Context(), "none", 1); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("parameters of an order that never was: %v", err)
	}
	again := rig.Expect[*wire.Order](submitTo(c, a))
	if _, err := c.Dispatcher.Params(t.Context(), again.Order, 2); !errors.Is(err, dispatch.ErrNotFound) || !strings.Contains(err.Error(), fmt.Sprintf("attempt 2 of %q is not current", again.Order)) {
		t.Errorf("parameters of an attempt that never was: %v", err)
	}
}

// TestInvalid: orders that are none.
func TestInvalid(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	for _, tt := range []struct {
		change func(*dispatch.Request)
		want   string
	}{
		{func(r *dispatch.Request) { *r = dispatch.Request{Environment: rig.Env} }, "invalid order"},
		{func(r *dispatch.Request) { r.Environment = "" }, `environment "" is none`},
		{func(r *dispatch.Request) { r.ID = "a b" }, `order id "a b": use 1–64 letters`},
		{func(r *dispatch.Request) { r.Server = "a b" }, `server "a b" is none`},
		{func(r *dispatch.Request) { r.KVContext = strings.Repeat("k", 65) }, `kkk"… has more than 64 bytes`},
		{func(r *dispatch.Request) { r.StartWithin = -time.Second }, "start within -1s is outside 0–720h0m0s"},
	} {
		r := rig.Request()
		tt.change(&r)
		if _, err := c.Dispatcher.Submit(t.Context(), r); !errors.Is(err, dispatch.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
		}
	}
}

// TestSecretsStayOutOfLogs: neither parameters nor tokens are logged on any level, not even when
// things go wrong.
func TestSecretsStayOutOfLogs(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := rig.Start(t, short(func(d *dispatch.Config) { d.Logger = log }))
	a := c.Agent("s1", 1)
	r := running(c, a)
	a.Kill()
	c.WaitState(r.Order, wire.State(wire.Interrupted))
	c.Stop()
	for _, secret := range []string{"swordfish", "token:", "token-s1"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("log contains %q:\n%s", secret, out.String())
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestListAndStats(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	var ids []wire.OrderID
	for range 3 {
		ids = append(ids, c.Submit().ID)
	}
	finishOne := func() {
		a := c.Agent("s1", 1)
		o := rig.Expect[*wire.Order](a)
		finish(c, a, o.Ref)
	}
	finishOne()
	for _, again := range []bool{false, true} {
		if again {
			c = c.Crash()
		}
		page, err := c.Dispatcher.List(t.Context(), dispatch.Filter{Environment: rig.Env}, "", 2)
		if list := page.Executions; err != nil || len(list) != 2 || list[0].ID != ids[2] || page.Next == "" {
			t.Errorf("list: %+v, %v", page, err)
		}
		page, err = c.Dispatcher.List(t.Context(), dispatch.Filter{Environment: rig.Env}, page.Next, 2)
		if list := page.Executions; err != nil || len(list) != 1 || list[0].ID != ids[0] || page.Next != "" {
			t.Errorf("rest of the list: %+v, %v", page, err)
		}
		s, err := c.Dispatcher.Stats(t.Context(), rig.Env)
		if err != nil || s.Queued != 2 || s.Running != 0 || s.Day != 3 || s.Month != 3 {
			t.Errorf("stats: %+v, %v", s, err)
		}
	}
}

// TestOldQueues: the streams that earlier versions had for queues are removed, and what they had
// queued is delivered.
func TestOldQueues(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	e := c.Submit()
	if _, err := c.Store.JS().CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "ORDERS_Lab", Subjects: []string{"orders.Lab.*.*"}, Retention: jetstream.WorkQueuePolicy,
	}); err != nil {
		t.Fatal(err)
	}
	c = c.Crash()
	for end := time.Now().Add(rig.Timeout); ; time.Sleep(5 * time.Millisecond) {
		_, err := c.Store.JS().Stream(t.Context(), "ORDERS_Lab")
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the stream is still there: %v", err)
		}
	}
	if o := rig.Expect[*wire.Order](c.Agent("s1", 1)); o.Order != e.ID {
		t.Errorf("got %s, want %s", o.Ref, e.ID)
	}
}

// TestServerBecomesFree: orders for one server are delivered in their order whenever that has a
// credit, although another server has had one all the time.
func TestServerBecomesFree(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	free, busy := c.Agent("free", 1), c.Agent("busy", 0)
	var want []wire.OrderID
	for range 20 {
		want = append(want, c.Submit(func(r *dispatch.Request) { r.Server = "busy" }).ID)
	}
	for _, id := range want {
		busy.Send(&wire.Credit{N: 1})
		if o := rig.Expect[*wire.Order](busy); o.Order != id {
			t.Errorf("got %s, want %s", o.Ref, id)
		}
	}
	free.Silent(quiet)
}
