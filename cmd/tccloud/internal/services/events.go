package services

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// EventsBucket is the name of the bucket of events, and EventsLife how long they stay.
const (
	EventsBucket = "service_events"
	EventsLife   = 7 * 24 * time.Hour
)

// Event is what a trigger fired, or a gap where events were lost.
type Event struct {
	Service string         `json:"service"`
	Trigger string         `json:"trigger,omitempty"` // its name; "" where it has been removed
	At      time.Time      `json:"at"`                // stored
	Server  wire.ServerXID `json:"server"`
	Order   wire.OrderID   `json:"order"` // of the instance
	Attempt wire.Attempt   `json:"attempt"`
	Seq     int64          `json:"seq"`
	// Context is the key-value context of the event's variables.
	Context string `json:"context,omitempty"`
	// Started is the execution that the event started, Problem why none could be.
	Started wire.OrderID `json:"started,omitempty"`
	Problem string       `json:"problem,omitempty"`
	// Lost is how many events are missing here, and Reason why; 0 for an event.
	Lost   int64  `json:"lost,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// eventKey sorts by service, instance, attempt and number.
func eventKey(id int64, m *wire.ServiceSaid) string {
	return fmt.Sprintf("%d.%s.%d.%d", id, m.Order, m.Attempt, m.Seq)
}

// event stores an event once, and starts the App that its trigger names once.
func (s *Services) event(ctx context.Context, id int64, xid wire.ServerXID, m *wire.ServiceSaid, said *saying) error {
	v := s.byID(id)
	if v == nil {
		return nil // removed: nobody waits for its events
	}
	e := Event{Service: v.Service.Name, At: s.now(), Server: xid, Order: m.Order, Attempt: m.Attempt, Seq: m.Seq}
	var tr *Trigger
	switch said.Command {
	case "FireEvent":
		e.Context = api.ServiceContext(id, said.SessionID)
		tr = v.Service.trigger(said.TriggerID)
	case "UpdateTriggerValue":
		return s.updateTrigger(ctx, v.Service.Name, said)
	case wire.CommandLost:
		e.Lost, e.Reason = max(1, said.Count), plain.Head(plain.Line(said.Reason), maxWords)
		s.Logger.Warn("events of a service were lost", "service", e.Service, "count", e.Lost, "reason", e.Reason)
	default:
		return nil
	}
	if tr != nil {
		e.Trigger = tr.Name
		if tr.Start != nil {
			e.Started = wire.OrderID(fmt.Sprintf("evt-%s-%d-%d", strings.TrimPrefix(string(m.Order), "svc-"), m.Attempt, m.Seq))
		}
	}
	key := eventKey(id, m)
	revision, _, err := bucket.Write(ctx, s.Events, key, &e, 0)
	known := bucket.Overtaken(err)
	if err != nil && !known {
		return fmt.Errorf("storing an event of service %q: %w", e.Service, err)
	}
	if e.Started == "" {
		return nil
	}
	err = s.Orders.Start(ctx, &v.Service, tr.Start, e.Context, e.Started)
	switch {
	case err == nil:
		s.Logger.Info("event started an App", "service", e.Service, "trigger", e.Trigger, "order", e.Started)
		return nil
	case errors.Is(err, dispatch.ErrExists):
		return nil
	case !errors.Is(err, ErrRefused):
		return fmt.Errorf("starting the App of an event of service %q: %w", e.Service, err)
	}
	s.Logger.Warn("event started no App", "service", e.Service, "trigger", e.Trigger, "err", err)
	if !known {
		e.Started, e.Problem = "", plain.Head(err.Error(), maxWords)
		_, _, err = bucket.Write(ctx, s.Events, key, &e, revision)
		if err != nil && !bucket.Overtaken(err) {
			return fmt.Errorf("storing an event of service %q: %w", e.Service, err)
		}
	}
	return nil
}

// lateEvent stores that an event was lost because its instance had been given up; an event that was stored
// before stays as it is.
func (s *Services) lateEvent(ctx context.Context, id int64, xid wire.ServerXID, m *wire.ServiceSaid, said *saying) error {
	v := s.byID(id)
	if v == nil || said.Command != "FireEvent" && said.Command != wire.CommandLost {
		return nil
	}
	e := Event{
		Service: v.Service.Name, At: s.now(), Server: xid, Order: m.Order, Attempt: m.Attempt, Seq: m.Seq, Lost: max(1, said.Count),
		Reason: "it came after its instance had been given up, because the server was away",
	}
	if tr := v.Service.trigger(said.TriggerID); tr != nil {
		e.Trigger = tr.Name
	}
	_, _, err := bucket.Write(ctx, s.Events, eventKey(id, m), &e, 0)
	switch {
	case err == nil:
		s.Logger.Warn("event of a service came too late", "service", e.Service, "trigger", e.Trigger, "server", xid, "order", m.Order, "seq", m.Seq)
	case !bucket.Overtaken(err):
		return fmt.Errorf("storing an event of service %q: %w", e.Service, err)
	}
	return nil
}

// updateTrigger takes in the value that an App gives an input of its trigger.
func (s *Services) updateTrigger(ctx context.Context, name string, said *saying) error {
	_, err := s.Change(ctx, name, func(v *Service) error {
		tr := v.trigger(said.TriggerID)
		if tr == nil || tr.Params[said.InputName] == string(said.InputValue) {
			return errUnchanged
		}
		params := map[string]string{}
		for k, p := range tr.Params {
			params[k] = p
		}
		params[said.InputName] = string(said.InputValue)
		tr.Params = params
		return nil
	})
	if errors.Is(err, errUnchanged) || errors.Is(err, ErrNotFound) {
		return nil
	}
	if errors.Is(err, ErrInvalid) { // the App's fault: it comes again and again otherwise
		s.Logger.Warn("a service's value for its trigger was not taken", "service", name, "trigger", said.TriggerID, "err", err)
		return nil
	}
	return err
}

// ListEvents returns the newest events of a service, newest first.
func (s *Services) ListEvents(ctx context.Context, name string, most int) ([]Event, error) {
	v, err := s.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	keys, err := s.Events.ListKeysFiltered(ctx, fmt.Sprintf("%d.>", v.Service.ID))
	if err != nil {
		return nil, fmt.Errorf("listing the events of service %q: %w", name, err)
	}
	type numbered struct {
		key                  string
		launch, attempt, seq int64
	}
	var all []numbered
	for k := range keys.Keys() {
		n := numbered{key: k}
		var id int64
		if _, err := fmt.Sscanf(k, "%d.svc-%d-%d.%d.%d", &id, &id, &n.launch, &n.attempt, &n.seq); err == nil {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(b.launch, a.launch), cmp.Compare(b.attempt, a.attempt), cmp.Compare(b.seq, a.seq))
	})
	list := []Event{}
	for _, n := range all[:min(len(all), most)] {
		kept, err := s.Events.Get(ctx, n.key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		var e Event
		if err == nil {
			err = json.Unmarshal(kept.Value(), &e)
		}
		if err != nil {
			return nil, fmt.Errorf("reading an event of service %q: %w", name, err)
		}
		list = append(list, e)
	}
	return list, nil
}
