package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
)

// request is one between gateways.
type request struct {
	Key     string          `json:"key"`
	Webhook bool            `json:"webhook,omitempty"`
	Message json.RawMessage `json:"message"`
	WaitMS  int64           `json:"wait_ms"`
}

// reply is the answer to it; none means that the talk has ended meanwhile.
type reply struct {
	Said *saying `json:"said,omitempty"`
}

const requestSubject = "tccloud.service." // + order + attempt

func subjectOf(ref wire.Ref) string {
	return fmt.Sprintf("%s%s.%d", requestSubject, ref.Order, ref.Attempt)
}

// request has the gateway that talks with the App pass a request on, and waits for the answer.
func (s *Services) request(ctx context.Context, ref wire.Ref, server wire.ServerXID, r request) (*saying, error) {
	away := &Failure{Status: http.StatusBadGateway, Message: fmt.Sprintf("server %q, where the service runs, is not connected", server), After: 5 * time.Second}
	s.mu.Lock()
	t := s.talks[ref.Order]
	s.mu.Unlock()
	if t != nil && t.ref == ref {
		said, err := t.request(ctx, r)
		if errors.Is(err, errOver) {
			return nil, away
		}
		return said, err
	}
	deadline, _ := ctx.Deadline()
	r.WaitMS = time.Until(deadline).Milliseconds()
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	m, err := s.Conn.RequestWithContext(ctx, subjectOf(ref), data)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, away
	}
	if err != nil {
		return nil, err
	}
	var answer reply
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, fmt.Errorf("reading another gateway's answer: %w", err)
	}
	if answer.Said == nil {
		return nil, away
	}
	return answer.Said, nil
}

var errOver = errors.New("the server's connection was lost")

// request passes a request to the App and waits for its answer.
func (t *talk) request(ctx context.Context, r request) (*saying, error) {
	p := &pending{answer: make(chan saying, 1), webhook: r.Webhook}
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return nil, errOver
	}
	t.pending[r.Key] = p
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.pending, r.Key)
		t.mu.Unlock()
	}()
	if err := t.peer.Send(&wire.ServiceSend{Ref: t.ref, Message: wire.ServiceMessage(r.Message)}); err != nil {
		return nil, errOver
	}
	select {
	case said, ok := <-p.answer:
		if !ok {
			return nil, errOver
		}
		return &said, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// listen takes requests of other gateways.
func (t *talk) listen() {
	sub, err := t.s.Conn.Subscribe(subjectOf(t.ref), func(m *nats.Msg) {
		var r request
		if json.Unmarshal(m.Data, &r) != nil {
			return
		}
		t.s.relayed.Go(func() { // until its answer, or the end of the talk
			ctx, cancel := context.WithTimeout(context.Background(), min(time.Duration(r.WaitMS)*time.Millisecond, MaxCallTimeout))
			defer cancel()
			said, err := t.request(ctx, r)
			if errors.Is(err, context.DeadlineExceeded) {
				return // the other side has given up as well
			}
			data, err := json.Marshal(reply{Said: said})
			if err == nil {
				_ = m.Respond(data)
			}
		})
	})
	if err != nil {
		t.s.Logger.Warn("other gateways cannot reach a service's App through this one", "order", t.ref, "err", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		_ = sub.Unsubscribe()
		return
	}
	t.sub = sub
}
