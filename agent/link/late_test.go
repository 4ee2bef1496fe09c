package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// A link that waits for its next attempt, for however long, is not late; one whose dialer does not
// come back is.
func TestLate(t *testing.T) {
	unconnected(t, most, func(t *testing.T, l *Link, _ *deaf, _ *bytes.Buffer) {
		<-l.Tried()
		for range 100 {
			time.Sleep(time.Minute)
			if late := l.Late(); late > 0 {
				t.Fatalf("late for %s while it retries", late)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		l, err := New(Config{Address: "broker.test", Dialer: stuckDialer(stuck), Handler: nobody{}, TLS: func() (*tls.Config, error) { return &tls.Config{}, nil }, Hello: func() wire.Hello { return wire.Hello{} }})
		if err != nil {
			t.Fatal(err)
		}
		l.watch = nil
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(connecting)
		if l.Late() > 0 {
			t.Error("late before its time")
		}
		time.Sleep(time.Second)
		if l.Late() == 0 {
			t.Error("a dialer that does not come back is not noticed")
		}
		select {
		case <-l.Tried():
			t.Error("tried before the first attempt ended")
		default:
		}
		close(stuck)
		cancel()
		<-done
		if l.Late() > 0 {
			t.Error("late after its end")
		}
	})
}

// A handler that does not come back stops the reading of everything else.
func TestLateByAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		handler := &stuckHandler{in: make(chan struct{}), out: make(chan struct{})}
		l := &Link{conf: Config{Handler: handler}}
		s := &session{conn: conn.Raw(ours), queue: newQueue(), idle: time.Minute}
		done := make(chan struct{})
		go func() { defer close(done); l.read(s) }()
		cloud := conn.Raw(theirs)
		time.Sleep(50 * time.Second)
		if l.Late() > 0 {
			t.Error("silence within the heartbeat is late")
		}
		if err := cloud.Write(&wire.Control{Action: wire.ActionDrain}); err != nil {
			t.Fatal(err)
		}
		<-handler.in
		time.Sleep(handling + time.Second)
		if l.Late() != time.Second {
			t.Errorf("late for %s; want 1 s", l.Late())
		}
		close(handler.out)
		_ = cloud.Close()
		<-done
	})
}

type stuckHandler struct {
	nobody
	in, out chan struct{}
}

func (h *stuckHandler) OnMessage(wire.Message) { close(h.in); <-h.out }

type stuckDialer chan struct{}

func (d stuckDialer) DialContext(context.Context, string, string) (net.Conn, error) {
	<-d // whatever the context says
	return nil, context.Canceled
}
