package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
)

// newServiceRig is a host whose cloud has a trigger service and knows services.
func newServiceRig(t *testing.T) *rig {
	r := newRig(t)
	r.broker = linktest.Start(t, linktest.Config{Welcome: func(wire.Hello) wire.Welcome { return wire.Welcome{Services: true, Fenced: r.fenced} }})
	file, err := apps.Build("service-trigger", t.TempDir())
	must(t, err)
	r.cloud.tcx, err = os.ReadFile(file)
	must(t, err)
	sum := sha256.Sum256(r.cloud.tcx)
	r.cloud.ref = wire.AppRef{Name: "Test_-_Trigger_Service", Version: "1.0.0", Size: int64(len(r.cloud.tcx)), SHA256: wire.SHA256(hex.EncodeToString(sum[:]))}
	return r
}

// service makes an order of a service whose App gets the parameters.
func (r *rig) service(id string, params map[string]string) *wire.Order {
	return &wire.Order{
		Ref: wire.Ref{Order: wire.OrderID(id), Attempt: 1}, Runtime: wire.RuntimeTriggerService, App: r.cloud.ref,
		Service: &wire.ServiceSpec{ID: 42, Name: "triggers"}, Params: params, Token: secret, TokenTTLMS: 600_000,
	}
}

// launched sends an order that has to be held and lets it start.
func (r *rig) launched(s *linktest.Session, o *wire.Order) {
	r.t.Helper()
	s.Send(r.t, o)
	linktest.Expect[*wire.Ready](r.t, s)
	s.Send(r.t, &wire.Start{Ref: o.Ref})
}

// said waits for a message of the service with the words in it.
func said(t *testing.T, s *linktest.Session, words ...string) (m *wire.ServiceSaid, fields map[string]any) {
	t.Helper()
	for {
		m := linktest.Expect[*wire.ServiceSaid](t, s)
		all := true
		for _, w := range words {
			all = all && strings.Contains(string(m.Message), w)
		}
		if all {
			must(t, json.Unmarshal(m.Message, &fields))
			return m, fields
		}
	}
}

func send(t *testing.T, s *linktest.Session, o *wire.Order, message string) {
	t.Helper()
	s.Send(t, &wire.ServiceSend{Ref: o.Ref, Message: wire.ServiceMessage(message)})
}

// TestService: a service takes no slot of jobs, answers its cloud, survives its agent, and what it fired comes
// in each session until the cloud has taken it.
func TestService(t *testing.T) {
	r := newServiceRig(t)
	s := r.start()
	if s.Hello.Services != 1 || s.Hello.Slots != r.slots {
		t.Errorf("hello has %d services and %d slots", s.Hello.Services, s.Hello.Slots)
	}
	o := r.service("svc", nil)
	r.launched(s, o)
	said(t, s, `"State"`, `"ready"`)
	if st := r.agent.Status(); st.Active != 0 || len(st.Orders) != 1 || st.Orders[0].Service == nil || st.Orders[0].Service.State != "ready" {
		t.Errorf("status %+v", st)
	}
	second := r.service("second", nil)
	s.Send(t, second)
	if m := linktest.Expect[*wire.Refused](t, s); m.Reason != wire.ReasonNoCredit {
		t.Errorf("a second service: %+v", m)
	}

	wake := filepath.Join(r.dir, "wake")
	send(t, s, o, `{"command":"CreateConfig","triggerId":1,"config":{}}`)
	if _, m := said(t, s, "CreateConfig"); m["status"] != "Failed" {
		t.Errorf("a wrong configuration: %v", m)
	}
	send(t, s, o, `{"command":"CreateConfig","triggerId":1,"config":{"trigger_input":"x","wake":"`+wake+`"}}`)
	if m, fields := said(t, s, "CreateConfig"); m.Seq != 0 || fields["status"] != "Success" {
		t.Errorf("a configuration: %v", fields)
	}
	fire := func() {
		t.Helper()
		must(t, os.WriteFile(wake, nil, 0o600))
		r.eventually("the trigger has fired", func() bool { _, err := os.Stat(wake); return os.IsNotExist(err) })
	}
	fire()
	// event waits for one by its number. Those that the cloud has not taken come again, in their order, with
	// each session and each talk with the shim, so repetitions of others may come between.
	highest := int64(0)
	event := func(want int64) map[string]any {
		t.Helper()
		for {
			m, fields := said(t, s, "FireEvent")
			if m.Seq > max(want, highest) {
				t.Fatalf("event %d came before event %d", m.Seq, want)
			}
			highest = max(highest, m.Seq)
			if m.Seq == want {
				return fields
			}
		}
	}
	fields := event(1)
	s.Send(t, &wire.ServiceTaken{Ref: o.Ref, Seq: 1})
	fire()
	event(2)
	pid := r.pid(o)

	r.stop()
	fire() // while no agent is there
	s = r.start()
	if len(s.Hello.Orders) != 1 || s.Hello.Services != 0 {
		t.Errorf("hello of the next agent: %+v", s.Hello)
	}
	event(2)
	event(3)
	if now := r.pid(o); now != pid {
		t.Errorf("the App was process %s and is %s", pid, now)
	}
	fire()
	if f := event(4); f["sessionId"] == fields["sessionId"] {
		t.Errorf("after a restart: %v", f)
	}

	s.Send(t, &wire.Cancel{Ref: o.Ref})
	r.eventually("the App has ended", func() bool {
		_, err := os.Stat(filepath.Join(r.dir, "jobs", o.String(), "shim", "exit"))
		return err == nil
	})
	for want := int64(2); want <= 4; want++ { // they are not taken, so the result waits
		event(want)
	}
	s.Send(t, &wire.ServiceTaken{Ref: o.Ref, Seq: 4})
	if m := r.result(s, o.Ref, wire.Cancelled); m.ExitCode != 0 || m.Message != "Success" {
		t.Errorf("the result of a service that was shut down: %+v", m)
	}
}

// pid is the App's process, by its own words.
func (r *rig) pid(o *wire.Order) string {
	b, err := os.ReadFile(filepath.Join(r.dir, "jobs", o.String(), "shim", "stdout"))
	must(r.t, err)
	return string(b)
}

// TestServiceEnds: exit 0 is a failure where nobody asked for the end, and the last event is not lost.
func TestServiceEnds(t *testing.T) {
	r := newServiceRig(t)
	s := r.start()
	o := r.service("quits", map[string]string{"misbehave": "quit"})
	r.launched(s, o)
	if m, _ := said(t, s, "FireEvent"); m.Seq != 1 {
		t.Errorf("the event has number %d", m.Seq)
	}
	s.Send(t, &wire.ServiceTaken{Ref: o.Ref, Seq: 1})
	if m := linktest.Expect[*wire.Credit](t, s); m.Services != 1 || m.N != 0 {
		t.Errorf("the end of a service granted %+v", m)
	}
	if m := r.result(s, o.Ref, wire.Failed); m.Error != "service.ended" || m.ExitCode != 0 {
		t.Errorf("got %+v", m)
	}
	r.eventually("the order is forgotten", func() bool { return len(r.agent.Journal.Entries()) == 0 })
	again := r.service("again", nil)
	s.Send(t, again)
	said(t, s, `"State"`, `"ready"`)
	if v := r.agent.Status().Orders[0].Service; v.Ended != 1 || v.LastEnd != "service.ended: Success" || v.Name != "triggers" {
		t.Errorf("the status of the next one: %+v", v)
	}
	s.Send(t, &wire.Cancel{Ref: again.Ref})
	r.result(s, again.Ref, wire.Cancelled)
}

// TestServiceFenced: a service that the cloud has moved is ended, and what it has fired comes until the cloud
// has counted it.
func TestServiceFenced(t *testing.T) {
	r := newServiceRig(t)
	s := r.start()
	o := r.service("moved", nil)
	r.launched(s, o)
	said(t, s, `"State"`, `"ready"`)
	wake := filepath.Join(r.dir, "wake")
	send(t, s, o, `{"command":"CreateConfig","triggerId":1,"config":{"trigger_input":"x","wake":"`+wake+`"}}`)
	said(t, s, "CreateConfig")
	r.stop()
	must(t, os.WriteFile(wake, nil, 0o600))
	r.eventually("the trigger has fired", func() bool { _, err := os.Stat(wake); return os.IsNotExist(err) })
	r.fenced = []wire.Ref{o.Ref}
	s = r.start()
	if m, _ := said(t, s, "FireEvent"); m.Seq != 1 {
		t.Errorf("event %d came", m.Seq)
	}
	r.eventually("the App has ended", func() bool {
		_, err := os.Stat(filepath.Join(r.dir, "jobs", o.String(), "shim", "exit"))
		return err == nil
	})
	said(t, s, "FireEvent") // it is offered until it is taken
	if len(r.agent.Journal.Entries()) != 1 {
		t.Error("the order was forgotten with its event")
	}
	s.Send(t, &wire.ServiceTaken{Ref: o.Ref, Seq: 1})
	r.eventually("the order is forgotten", func() bool { return len(r.agent.Journal.Entries()) == 0 })
}
