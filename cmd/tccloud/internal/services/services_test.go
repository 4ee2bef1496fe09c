package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// orders makes orders by a dispatcher.
type orders struct {
	d      *dispatch.Dispatcher
	refuse atomic.Bool
}

func (o *orders) Submit(ctx context.Context, s *services.Service, id wire.OrderID) error {
	if o.refuse.Load() {
		return fmt.Errorf("%w: the App is gone", services.ErrRefused)
	}
	r := gatewaytest.Request()
	r.ID, r.Runtime, r.Params, r.Server, r.Service = id, s.Runtime, s.Params, s.Server, &wire.ServiceSpec{ID: s.ID, Name: s.Name}
	_, err := o.d.Submit(ctx, r)
	return err
}

func (o *orders) Start(ctx context.Context, _ *services.Service, start *services.Start, kvContext string, id wire.OrderID) error {
	r := gatewaytest.Request()
	r.ID, r.Runtime, r.KVContext, r.Params = id, wire.RuntimePlaybook, kvContext, start.Params
	_, err := o.d.Submit(ctx, r)
	return err
}

func (o *orders) Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error) {
	return o.d.Get(ctx, id)
}

func (o *orders) Cancel(ctx context.Context, id wire.OrderID, reason string) error {
	return o.d.Cancel(ctx, id, reason)
}

func (o *orders) Token(ref wire.Ref) (string, time.Time) {
	return "token-of-" + string(ref.Order), time.Now().Add(time.Hour)
}

// late is the gateway's Services, which are made after it.
type late struct {
	s atomic.Pointer[services.Services]
}

func (l *late) Said(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error {
	return l.s.Load().Said(ctx, xid, peer, m)
}

func (l *late) TooLate(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error {
	return l.s.Load().TooLate(ctx, xid, peer, m)
}

func (l *late) Gone(peer dispatch.Peer) {
	if s := l.s.Load(); s != nil {
		s.Gone(peer)
	}
}

type side struct {
	*gatewaytest.Cloud
	orders   *orders
	services *services.Services
	exchange *exchange.Exchange
	stop     func()
}

func open(t *testing.T, o gatewaytest.Options, change ...func(*services.Config)) *side {
	t.Helper()
	l := new(late)
	o.Gateway = func(c *gateway.Config) { c.Services = l }
	c := gatewaytest.Start(t, o)
	return serve(t, c, l, change...)
}

func serve(t *testing.T, c *gatewaytest.Cloud, l *late, change ...func(*services.Config)) *side {
	t.Helper()
	kv, err := c.Store.KV(t.Context(), services.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	events, err := c.Store.KV(t.Context(), services.EventsBucket, store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &side{Cloud: c, orders: &orders{d: c.Dispatcher}, exchange: exchange.New(c.Store.Conn())}
	cfg := services.Config{KV: kv, Events: events, Orders: s.orders, Conn: c.Store.Conn(), Exchange: s.exchange}
	for _, f := range change {
		f(&cfg)
	}
	s.services = services.New(cfg)
	l.s.Store(s.services)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.services.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(s.stop)
	return s
}

func room(n int) gatewaytest.Dialing {
	return gatewaytest.Dialing{Hello: func(h *wire.Hello) { h.Services = n }}
}

func (s *side) create(t *testing.T, name string, runtime wire.Runtime, change ...func(*services.Service)) {
	t.Helper()
	v := services.Service{Name: name, Environment: "lab", App: "App", Runtime: runtime, Running: true}
	if v.Calls() {
		v.Path = name
	}
	for _, f := range change {
		f(&v)
	}
	if _, err := s.services.Create(t.Context(), v); err != nil {
		t.Fatal(err)
	}
}

func (s *side) until(t *testing.T, name string, good func(services.View) bool) services.View {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		v, err := s.services.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if good(v) {
			return v
		}
		if time.Now().After(end) {
			t.Fatalf("service %s stays as it is: %s %+v", name, v.Phase(), v.State)
		}
	}
}

func phase(p services.Phase) func(services.View) bool {
	return func(v services.View) bool { return v.Phase() == p }
}

// say sends what an App says.
func say(a *gatewaytest.Agent, ref wire.Ref, seq int64, message map[string]any) {
	a.T.Helper()
	data, err := json.Marshal(message)
	if err != nil {
		a.T.Fatal(err)
	}
	a.Send(&wire.ServiceSaid{Ref: ref, Seq: seq, Message: data})
}

func ready(a *gatewaytest.Agent, ref wire.Ref) {
	a.T.Helper()
	say(a, ref, 0, map[string]any{"command": "State", "state": "ready", "since_ms": 1})
}

// up takes the order of a service and makes it ready.
func up(a *gatewaytest.Agent) wire.Ref {
	a.T.Helper()
	o := gatewaytest.Expect[*wire.Order](a)
	if o.TimeoutMS != 0 || o.Service == nil {
		a.T.Fatalf("got %+v", o)
	}
	a.Send(&wire.Accepted{Ref: o.Ref}, &wire.Progress{Ref: o.Ref, State: wire.StateRunning})
	ready(a, o.Ref)
	return o.Ref
}

// told returns the next message to an App.
func told(a *gatewaytest.Agent) map[string]any {
	a.T.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(gatewaytest.Expect[*wire.ServiceSend](a).Message, &m); err != nil {
		a.T.Fatal(err)
	}
	return m
}

func ended(ref wire.Ref, o wire.Outcome) *wire.Result {
	r := gatewaytest.Result(ref)
	r.Outcome, r.Message = o, "it ended"
	return r
}

// TestLife: a service starts, is started again when it ends, stops and starts when it is told to.
func TestLife(t *testing.T) {
	s := open(t, gatewaytest.Options{})
	a := s.Agent("one", 1, room(2))
	s.create(t, "lookup", wire.RuntimeAPIService)
	ref := up(a)
	v := s.until(t, "lookup", phase(services.Ready))
	if v.State.Current.Server != "one" || v.State.Current.Order != ref.Order {
		t.Errorf("got %+v", v.State.Current)
	}
	if _, err := s.services.Change(t.Context(), "lookup", func(v *services.Service) error { v.LogLevel = "DEBUG"; return nil }); err != nil {
		t.Fatal(err)
	}
	if m := told(a); m["command"] != "LoggingChange" || m["level"] != "DEBUG" {
		t.Errorf("got %v", m)
	}
	a.Send(ended(ref, wire.Failed), &wire.Credit{Services: 1})
	gatewaytest.Expect[*wire.ResultAck](a)
	ref = up(a)
	told(a) // the new instance does not know the level
	v = s.until(t, "lookup", phase(services.Ready))
	if v.State.Restarts != 1 || len(v.State.Ends) != 1 || v.State.Ends[0].Told || v.State.Ends[0].Message != "it ended" {
		t.Errorf("got %+v", v.State)
	}
	if _, err := s.services.Change(t.Context(), "lookup", func(v *services.Service) error { v.Running = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if c := gatewaytest.Expect[*wire.Cancel](a); c.Ref != ref {
		t.Errorf("got %+v", c)
	}
	a.Send(ended(ref, wire.Cancelled), &wire.Credit{Services: 1})
	gatewaytest.Expect[*wire.ResultAck](a)
	v = s.until(t, "lookup", phase(services.Stopped))
	if !v.State.Ends[0].Told || v.State.Restarts != 1 {
		t.Errorf("got %+v", v.State)
	}
	if _, err := s.services.Change(t.Context(), "lookup", func(v *services.Service) error { v.Running = true; return nil }); err != nil {
		t.Fatal(err)
	}
	up(a)
	s.until(t, "lookup", phase(services.Ready))
}

// TestNoSlotOfJobs: a service goes to a server with room for services only, whatever slots are free,
// and does not hold up others.
func TestNoSlotOfJobs(t *testing.T) {
	s := open(t, gatewaytest.Options{})
	a := s.Agent("one", 4)
	s.create(t, "lookup", wire.RuntimeAPIService)
	s.until(t, "lookup", phase(services.Starting))
	s.Submit()
	o := gatewaytest.Expect[*wire.Order](a)
	if o.Service != nil {
		t.Fatalf("got %+v", o)
	}
	b := s.Agent("two", 0, room(1))
	up(b)
	s.until(t, "lookup", phase(services.Ready))
	a.Silent(100 * time.Millisecond)
}

// TestUpgrade: another instance takes over when it is ready, and gets the triggers after the end of the
// one before; one that does not get ready changes nothing.
func TestUpgrade(t *testing.T) {
	s := open(t, gatewaytest.Options{})
	a := s.Agent("one", 1, room(4))
	s.create(t, "watch", wire.RuntimeTriggerService, func(v *services.Service) {
		v.Triggers = []services.Trigger{{ID: 1, Name: "mail", Params: map[string]string{"folder": "in"}}}
	})
	first := up(a)
	give := told(a)
	if give["command"] != "CreateConfig" || give["triggerId"] != 1.0 || give["config"].(map[string]any)["folder"] != "in" {
		t.Fatalf("got %v", give)
	}
	say(a, first, 0, map[string]any{"command": "Acknowledged", "type": "CreateConfig", "status": "Success", "triggerId": 1})
	s.until(t, "watch", func(v services.View) bool { g, ok := v.State.Current.Triggers[1]; return ok && g.Problem == "" })

	change := func(version string) {
		if _, err := s.services.Change(t.Context(), "watch", func(v *services.Service) error { v.Version = version; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	change("2.0.0")
	bad := gatewaytest.Expect[*wire.Order](a)
	a.Send(&wire.Accepted{Ref: bad.Ref}, ended(bad.Ref, wire.Failed), &wire.Credit{Services: 1})
	gatewaytest.Expect[*wire.ResultAck](a)
	v := s.until(t, "watch", func(v services.View) bool { return len(v.State.Ends) == 1 })
	if v.State.Current == nil || v.State.Current.Order != first.Order {
		t.Fatalf("the instance that serves is gone: %+v", v.State)
	}
	second := up(a) // it is tried again
	if c := gatewaytest.Expect[*wire.Cancel](a); c.Ref != first {
		t.Fatalf("got %+v", c)
	}
	a.Silent(300 * time.Millisecond) // no trigger while the first one may have it
	a.Send(ended(first, wire.Cancelled))
	gatewaytest.Expect[*wire.ResultAck](a)
	if give := told(a); give["command"] != "CreateConfig" {
		t.Fatalf("got %v", give)
	}
	say(a, second, 0, map[string]any{"command": "Acknowledged", "type": "CreateConfig", "status": "Failed", "message": "no such folder", "triggerId": 1})
	s.until(t, "watch", func(v services.View) bool {
		return v.Phase() == services.Ready && v.State.Current.Order == second.Order && v.State.Current.Triggers[1].Problem == "no such folder"
	})
	if _, err := s.services.Change(t.Context(), "watch", func(v *services.Service) error { v.Triggers = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	if take := told(a); take["command"] != "DeleteConfig" || take["triggerId"] != 1.0 {
		t.Fatalf("got %v", take)
	}
	say(a, second, 0, map[string]any{"command": "Acknowledged", "type": "DeleteConfig", "status": "Success", "triggerId": 1})
	s.until(t, "watch", func(v services.View) bool { return len(v.State.Current.Triggers) == 0 })
}

// TestEvents: an event that comes twice is stored once and starts one App, with the event's variables.
func TestEvents(t *testing.T) {
	s := open(t, gatewaytest.Options{})
	a := s.Agent("one", 4, room(1))
	s.create(t, "watch", wire.RuntimeTriggerService, func(v *services.Service) {
		v.Triggers = []services.Trigger{{ID: 7, Name: "mail", Start: &services.Start{App: "App"}}}
	})
	ref := up(a)
	told(a)
	id := s.until(t, "watch", phase(services.Ready)).Service.ID
	for range 2 {
		say(a, ref, 1, map[string]any{"command": "FireEvent", "triggerId": 7, "sessionId": "77d99e14-e34a-43e3-968a-e669110a1d5f"})
	}
	var got []wire.Message
	for range 3 {
		m, err := a.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	var started *wire.Order
	for _, m := range got {
		switch m := m.(type) {
		case *wire.Order:
			if started != nil {
				t.Error("two Apps were started")
			}
			started = m
		case *wire.ServiceTaken:
			if m.Seq != 1 {
				t.Errorf("got %+v", m)
			}
		}
	}
	if started == nil || started.KVContext != api.ServiceContext(id, "77d99e14-e34a-43e3-968a-e669110a1d5f") {
		t.Fatalf("got %+v", started)
	}
	say(a, ref, 2, map[string]any{"command": "Lost", "count": 3, "reason": "the spool was full"})
	gatewaytest.Expect[*wire.ServiceTaken](a)
	list, err := s.services.ListEvents(t.Context(), "watch", 10)
	if err != nil || len(list) != 2 || list[0].Lost != 3 || list[1].Trigger != "mail" || list[1].Started != started.Order {
		t.Fatalf("%+v, %v", list, err)
	}
	// What a server says of an order that is not its own counts for nothing.
	b := s.Agent("two", 4)
	say(b, ref, 3, map[string]any{"command": "FireEvent", "triggerId": 7, "sessionId": "x"})
	b.Silent(200 * time.Millisecond)
	if list, _ := s.services.ListEvents(t.Context(), "watch", 10); len(list) != 2 {
		t.Errorf("got %+v", list)
	}
}

// TestMove: an instance whose server is away longer than the lease goes on until another server has room. Then
// one starts there, the one before is fenced when its server comes back, and what that has fired counts as lost.
func TestMove(t *testing.T) {
	s := open(t, gatewaytest.Options{Dispatch: func(d *dispatch.Config) { d.Lease = 200 * time.Millisecond }})
	a := s.Agent("one", 4, room(1))
	s.create(t, "watch", wire.RuntimeTriggerService, func(v *services.Service) {
		v.Triggers = []services.Trigger{{ID: 7, Name: "mail", Start: &services.Start{App: "App"}}}
	})
	ref := up(a)
	told(a)
	s.until(t, "watch", phase(services.Ready))
	fire := func(a *gatewaytest.Agent, ref wire.Ref, seq int64) {
		t.Helper()
		say(a, ref, seq, map[string]any{"command": "FireEvent", "triggerId": 7, "sessionId": fmt.Sprint("s", seq)})
		for { // the App that it starts may come before
			m, err := a.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if taken, ok := m.(*wire.ServiceTaken); ok {
				if taken.Seq != seq {
					t.Fatalf("got %+v, want %d", taken, seq)
				}
				return
			}
		}
	}
	fire(a, ref, 1)
	back := func(free int) *gatewaytest.Agent {
		return s.Agent("one", 0, gatewaytest.Dialing{Hello: func(h *wire.Hello) {
			h.Services, h.Orders = free, []wire.InFlight{{Ref: ref, State: wire.StateRunning}}
		}})
	}
	a.Kill()
	time.Sleep(time.Second) // five leases
	a = back(0)
	if len(a.Welcome.Fenced) != 0 {
		t.Fatal("a service was given up though no other server has room for it")
	}
	ready(a, ref)
	fire(a, ref, 2)
	a.Kill()
	other := s.Agent("two", 0, room(1))
	second := up(other)
	if second.Order == ref.Order {
		t.Fatalf("got %s again", ref)
	}
	s.until(t, "watch", func(v services.View) bool {
		return v.Phase() == services.Ready && v.State.Current.Server == "two" && v.State.Restarts == 1
	})
	a = back(0)
	if len(a.Welcome.Fenced) != 1 || a.Welcome.Fenced[0] != ref {
		t.Fatalf("welcome fences %v, want %s", a.Welcome.Fenced, ref)
	}
	fire(a, ref, 2) // which was stored and not acknowledged, say
	fire(a, ref, 3)
	fire(a, ref, 3)
	list, err := s.services.ListEvents(t.Context(), "watch", 10)
	if err != nil || len(list) != 3 || list[0].Lost != 1 || list[0].Started != "" || list[0].Trigger != "mail" || list[1].Started == "" || list[1].Lost != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestCalls: a call gets the App's answer, or an answer in words when there is none.
func TestCalls(t *testing.T) {
	s := open(t, gatewaytest.Options{})
	a := s.Agent("one", 1, room(1))
	s.create(t, "lookup", wire.RuntimeAPIService, func(v *services.Service) { v.CallTimeoutMS, v.Rate = 400, services.MaxRate })
	svc, rest := s.services.ByPath("lookup/a/b")
	if svc == nil || rest != "/a/b" {
		t.Fatalf("%v %q", svc, rest)
	}
	call := func() (*services.Answer, error) {
		return s.services.Call(t.Context(), svc, services.Call{Method: "POST", Path: "/a", Body: []byte("\x00question")})
	}
	status := func(err error) int {
		if f, ok := errors.AsType[*services.Failure](err); ok {
			return f.Status
		}
		t.Errorf("got %v", err)
		return 0
	}
	if _, err := call(); status(err) != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	ref := up(a)
	s.until(t, "lookup", phase(services.Ready))
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := call()
		if err != nil || got.Status != 201 || string(got.Body) != "\x00answer" || len(got.Header) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	m := told(a)
	key := m["requestKey"].(string)
	kv := api.ServiceContext(svc.ID, key)
	if body, err := s.exchange.Get(t.Context(), kv, "request.body"); err != nil || string(body) != "\x00question" || m["command"] != "RunService" {
		t.Fatalf("%v %q %v", m, body, err)
	}
	if err := s.exchange.Put(t.Context(), kv, "response.body", []byte("\x00answer")); err != nil {
		t.Fatal(err)
	}
	say(a, ref, 0, map[string]any{
		"command": "Acknowledged", "type": "RunService", "requestKey": key, "status": "Created", "statusCode": "201",
		"bodyVariable": "response.body", "headers": []any{map[string]any{"name": "x-a", "value": "ü"}},
	})
	wg.Wait()
	if _, err := s.exchange.Get(t.Context(), kv, "request.body"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a request that is over left its body: %v", err)
	}
	if _, err := call(); status(err) != http.StatusGatewayTimeout || !strings.Contains(err.Error(), "did not answer within") {
		t.Errorf("got %v", err)
	}
	told(a)
	large := services.Call{Method: "GET", Path: "/a", Header: http.Header{"X-A": {strings.Repeat("a", wire.MaxServiceMessage)}}}
	if _, err := s.services.Call(t.Context(), svc, large); status(err) != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(err.Error(), "path and headers need 196") {
		t.Errorf("large headers: got %v", err)
	}
	for _, code := range []any{"999", "-1", "OK", 99} {
		wg.Go(func() {
			if _, err := call(); status(err) != http.StatusBadGateway || !strings.Contains(err.Error(), fmt.Sprintf(`service "lookup" answered with status "%v"`, code)) {
				t.Errorf("got %v", err)
			}
		})
		key := told(a)["requestKey"]
		say(a, ref, 0, map[string]any{"command": "Acknowledged", "type": "RunService", "requestKey": key, "statusCode": []any{code}}) // no status: not for us
		say(a, ref, 0, map[string]any{"command": "Acknowledged", "type": "RunService", "requestKey": key, "statusCode": code})
		wg.Wait()
	}
	var under []func()
	for {
		done, err := s.services.Admit(svc)
		if err != nil {
			if status(err) != http.StatusServiceUnavailable || len(under) != 512 || !strings.Contains(err.Error(), "512 calls are under way") {
				t.Errorf("after %d calls: %v", len(under), err)
			}
			break
		}
		under = append(under, done)
	}
	for _, done := range under {
		done()
	}
	if done, err := s.services.Admit(svc); err != nil {
		t.Errorf("after all calls have ended: %v", err)
	} else {
		done()
	}
	wg.Go(func() {
		if _, err := call(); status(err) != http.StatusBadGateway || !strings.Contains(err.Error(), "is not connected") {
			t.Errorf("got %v", err)
		}
	})
	told(a)
	a.Kill()
	wg.Wait()
}
