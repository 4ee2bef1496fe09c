package services

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// talk is what this gateway says to the App of one instance, and hears from it.
type talk struct {
	s    *Services
	ref  wire.Ref
	xid  wire.ServerXID
	peer dispatch.Peer
	sub  *nats.Subscription // requests of other gateways

	mu      sync.Mutex
	state   wire.ServiceState
	since   time.Time           // of state
	heard   time.Time           // when the heartbeat in it was answered
	giving  map[int64]time.Time // triggers that were given, or taken away, and when; zero: it has answered
	gave    []saying            // the answers that are not stored yet
	pending map[string]*pending // requests by their key
	spoke   time.Time           // the App has answered something
	over    bool
}

// pending is a request that the App works on.
type pending struct {
	answer  chan saying // takes one
	webhook bool
}

// saying is a message of an App, as far as this package reads it.
type saying struct {
	Command    string   `json:"command"`
	Type       string   `json:"type"`
	Status     string   `json:"status"`
	StatusCode text     `json:"statusCode"`
	Message    string   `json:"message"`
	TriggerID  int64    `json:"triggerId"`
	SessionID  string   `json:"sessionId"`
	RequestKey string   `json:"requestKey"`
	Headers    []header `json:"headers"`
	BodyVar    string   `json:"bodyVariable"`
	InputName  string   `json:"inputName"`
	InputValue text     `json:"inputValue"`
	Count      int64    `json:"count"`  // of wire.ServiceLost
	Reason     string   `json:"reason"` // the same
}

type header struct {
	Name  string `json:"name"`
	Value text   `json:"value"`
}

// text is a JSON string, or a number or boolean as one: Apps send both.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	err := json.Unmarshal(data, &s)
	if err == nil {
		*t = text(s)
		return nil
	}
	if len(data) > 0 && (data[0] == '{' || data[0] == '[') {
		return err // what the App says is ignored, then
	}
	if string(data) != "null" {
		*t = text(data)
	}
	return nil
}

// serviceOf reads the service's number from the order's id of an instance.
func serviceOf(order wire.OrderID) (int64, bool) {
	part := strings.Split(string(order), "-")
	if len(part) != 3 || part[0] != "svc" {
		return 0, false
	}
	id, err := strconv.ParseInt(part[1], 10, 64)
	return id, err == nil
}

// Said takes in what the App of an order has said, or its agent of it. An event is stored before it is
// acknowledged; an error means that it could not be stored, and ends the session.
func (s *Services) Said(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	id, ok := serviceOf(m.Order)
	if !ok {
		return nil
	}
	var said saying
	if err := json.Unmarshal(m.Message, &said); err != nil && m.Seq == 0 {
		return nil // an App's message that says nothing to us
	}
	if m.Seq > 0 {
		if err := s.event(ctx, id, xid, m, &said); err != nil {
			return err
		}
		_ = peer.Send(&wire.ServiceTaken{Ref: m.Ref, Seq: m.Seq})
	}
	t := s.talk(m.Ref, xid, peer)
	if t == nil {
		return nil
	}
	if said.Command == wire.CommandState {
		t.stands(m.Message)
	} else {
		t.hear(said)
	}
	return nil
}

// TooLate takes in an event of an instance that was given up before, because its server was away. It starts
// nothing: another instance may have fired the same. So it counts as lost.
func (s *Services) TooLate(ctx context.Context, xid wire.ServerXID, peer dispatch.Peer, m *wire.ServiceSaid) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	var said saying
	_ = json.Unmarshal(m.Message, &said)
	if id, ok := serviceOf(m.Order); ok {
		if err := s.lateEvent(ctx, id, xid, m, &said); err != nil {
			return err
		}
	}
	_ = peer.Send(&wire.ServiceTaken{Ref: m.Ref, Seq: m.Seq})
	return nil
}

// talk returns that of an instance, a new one for a new attempt or session; nil if a newer one is known.
func (s *Services) talk(ref wire.Ref, xid wire.ServerXID, peer dispatch.Peer) *talk {
	s.mu.Lock()
	t := s.talks[ref.Order]
	if t != nil && t.ref == ref && t.peer == peer {
		s.mu.Unlock()
		return t
	}
	if t != nil && t.ref.Attempt > ref.Attempt {
		s.mu.Unlock()
		return nil
	}
	fresh := &talk{s: s, ref: ref, xid: xid, peer: peer, giving: map[int64]time.Time{}, pending: map[string]*pending{}}
	s.talks[ref.Order] = fresh
	s.mu.Unlock()
	if t != nil {
		t.end()
	}
	fresh.listen()
	return fresh
}

// Gone ends the talks with the Apps of a session that is over.
func (s *Services) Gone(peer dispatch.Peer) {
	s.mu.Lock()
	var over []*talk
	for order, t := range s.talks {
		if t.peer == peer {
			over = append(over, t)
			delete(s.talks, order)
		}
	}
	s.mu.Unlock()
	for _, t := range over {
		t.end()
	}
}

// hangUp ends all talks.
func (s *Services) hangUp() {
	s.mu.Lock()
	all := s.talks
	s.talks = map[wire.OrderID]*talk{}
	s.mu.Unlock()
	for _, t := range all {
		t.end()
	}
}

// end fails the requests that wait.
func (t *talk) end() {
	t.mu.Lock()
	t.over = true
	waiting := t.pending
	t.pending = nil
	sub := t.sub
	t.mu.Unlock()
	if sub != nil {
		_ = sub.Unsubscribe()
	}
	for _, p := range waiting {
		close(p.answer)
	}
}

// stands takes in how the App stands with its broker.
func (t *talk) stands(message []byte) {
	var st wire.ServiceState
	if json.Unmarshal(message, &st) != nil {
		return
	}
	now := time.Now()
	t.mu.Lock()
	t.state, t.since = st, now.Add(-time.Duration(st.SinceMS)*time.Millisecond)
	if st.HeartbeatAgeMS > 0 {
		t.heard = now.Add(-time.Duration(st.HeartbeatAgeMS) * time.Millisecond)
	}
	t.mu.Unlock()
	t.s.nudge()
}

// nudge has the services looked at.
func (s *Services) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// hear passes an answer on to who waits for it.
func (t *talk) hear(m saying) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m.Command {
	case "Acknowledged":
		switch m.Type {
		case "CreateConfig", "DeleteConfig":
			if _, ok := t.giving[m.TriggerID]; ok {
				t.giving[m.TriggerID] = time.Time{}
				t.gave = append(t.gave, m) // it is stored by attend; the session goes on
				t.s.nudge()
			}
			return
		}
	case "FireEvent", "WebhookEventResponse", "WebhookMarshallEventResponse":
	default:
		return
	}
	t.spoke = time.Now()
	p := t.pending[m.RequestKey]
	switch {
	case m.RequestKey == "" || p == nil:
	case p.webhook && m.Command == "Acknowledged" && m.Status != "Failed": // its answer follows
		t.settleLater(p, m, afterAcknowledged)
	default:
		delete(t.pending, m.RequestKey)
		p.answer <- m
	}
}

// afterAcknowledged is how long an App that has acknowledged a webhook may say nothing before its caller gets
// an answer without content. One that answers others meanwhile has not come to this one.
const afterAcknowledged = 3 * time.Second

func (t *talk) settleLater(p *pending, m saying, after time.Duration) {
	time.AfterFunc(after, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		switch quiet := time.Since(t.spoke); {
		case t.pending[m.RequestKey] != p: // it was answered, or is over
		case quiet < afterAcknowledged:
			t.settleLater(p, m, afterAcknowledged-quiet)
		default:
			delete(t.pending, m.RequestKey)
			p.answer <- m
		}
	})
}

// say sends a message to the App.
func (t *talk) say(message map[string]any) error {
	data, err := json.Marshal(message)
	if err == nil {
		err = t.peer.Send(&wire.ServiceSend{Ref: t.ref, Message: data})
	}
	return err
}

// Live says how the App of a service stands, as the gateway knows that has its server: nil elsewhere.
type Live struct {
	State       wire.ServiceLink `json:"state"`
	Since       time.Time        `json:"since"`
	Heartbeat   json.RawMessage  `json:"heartbeat,omitempty"`
	HeartbeatAt time.Time        `json:"heartbeat_at,omitzero"`
}

// Live returns how the App of an instance stands, nil if its server is connected to another gateway or
// to none.
func (s *Services) Live(order wire.OrderID) *Live {
	s.mu.Lock()
	t := s.talks[order]
	s.mu.Unlock()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Live{State: t.state.State, Since: t.since.UTC(), Heartbeat: slices.Clone(t.state.Heartbeat), HeartbeatAt: t.heard.UTC()}
}
