package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// openers has the cloud believe that the statement of a server is the ids of its keys.
func openers(o rig.Options) rig.Options {
	o.Gateway = func(c *gateway.Config) {
		c.SealKey = func(_ context.Context, _ gateway.Server, statement string) ([]string, error) {
			return strings.Split(statement, " "), nil
		}
	}
	return o
}

// states says in hello with which keys the server opens.
func states(rings ...envelope.Ring) rig.Dialing {
	var ids []string
	for _, r := range rings {
		ids = append(ids, r.Current().ID().String())
	}
	return rig.Dialing{Hello: func(h *wire.Hello) { h.SealKey = strings.Join(ids, " ") }}
}

func ring(t *testing.T) envelope.Ring {
	t.Helper()
	r, err := envelope.NewRing(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t *testing.T, to ...envelope.Ring) string {
	t.Helper()
	var keys []envelope.PublicKey
	for _, r := range to {
		keys = append(keys, r.Current())
	}
	text, err := envelope.Seal(keys, envelope.Binding{Environment: rig.Env, Order: "o", Parameter: "p"}, []byte("swordfish"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func with(params map[string]string) func(*dispatch.Request) {
	return func(r *dispatch.Request) { r.Params = params }
}

// TestSealed: only a server that opens all sealed parameters is offered an order, directly and
// through the queue, at every attempt; other orders are not held up by one that waits.
func TestSealed(t *testing.T) {
	c := rig.Start(t, openers(rig.Options{}))
	one, two, none := ring(t), ring(t), ring(t)
	plain := c.Agent("plain", 10)
	other := c.Agent("other", 1, states(two))
	e := c.Submit(with(map[string]string{"a": sealed(t, one, two), "b": sealed(t, one), "c": "clear"}), retryable)
	if e.State != wire.StateQueued || len(e.SealedTo) != 1 || e.SealedTo[0] != one.Current().ID().String() {
		t.Errorf("got %s, sealed to %q", e.State, e.SealedTo)
	}
	waits := c.Submit(with(map[string]string{"a": sealed(t, none)}), func(r *dispatch.Request) { r.Priority = 9 })
	for range 3 { // with less priority than what waits
		open := c.Submit()
		if o := rig.Expect[*wire.Order](plain); o.Order != open.ID {
			t.Errorf("got %s, want %s", o.Order, open.ID)
		}
	}
	other.Silent(quiet)
	for attempt := range 2 { // the second after the server lost it
		a := c.Agent("one", 1, states(one))
		o := rig.Expect[*wire.Order](a)
		if o.Order != e.ID || o.Attempt != wire.Attempt(attempt+1) {
			t.Errorf("got %s, want %s", o.Ref, e.ID)
		}
		a.Kill()
	}
	direct := c.Agent("direct", 1, states(none))
	if o := rig.Expect[*wire.Order](direct); o.Order != waits.ID {
		t.Errorf("got %s, want %s", o.Order, waits.ID)
	}
	// With nothing in the queue it goes to a session at once.
	again := c.Submit(with(map[string]string{"a": sealed(t, none, two)}))
	if o := rig.Expect[*wire.Order](other); o.Order != again.ID {
		t.Errorf("got %s, want %s", o.Order, again.ID)
	}
	plain.Silent(quiet)

	for _, tt := range []struct {
		params map[string]string
		want   string
	}{
		{map[string]string{"a": sealed(t, one), "b": sealed(t, two)}, `parameter "b" is sealed to other servers than those before it: no server can open all`},
		{map[string]string{"a": "tcsealed:v9:swordfish"}, `parameter "a" looks sealed`},
		{map[string]string{"a": sealed(t, one)[:100]}, `parameter "a" looks sealed`},
	} {
		r := rig.Request()
		r.Params = tt.params
		_, err := c.Dispatcher.Submit(t.Context(), r)
		if !errors.Is(err, dispatch.ErrInvalid) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
		}
	}
}

// TestSealedHoldsUpNobody: orders of the same priority do not wait for one that steps back.
func TestSealedHoldsUpNobody(t *testing.T) {
	c := rig.Start(t, openers(rig.Options{}))
	c.Submit(with(map[string]string{"a": sealed(t, ring(t))}))
	plain := c.Agent("plain", 100)
	begin := time.Now()
	for range 10 {
		plain.Silent(quiet) // the queue is found empty meanwhile
		e := c.Submit()
		if o := rig.Expect[*wire.Order](plain); o.Order != e.ID {
			t.Errorf("got %s, want %s", o.Order, e.ID)
		}
	}
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("ten orders took %s", took)
	}
}

// TestSealedIsNotLostInACrash: the rule holds for a cloud that finds the order in its store.
func TestSealedIsNotLostInACrash(t *testing.T) {
	c := rig.Start(t, openers(rig.Options{}))
	key := ring(t)
	e := c.Submit(with(map[string]string{"a": sealed(t, key)}))
	c = c.Crash()
	plain := c.Agent("plain", 10)
	plain.Silent(quiet)
	a := c.Agent("one", 1, states(key))
	if o := rig.Expect[*wire.Order](a); o.Order != e.ID {
		t.Errorf("got %s, want %s", o.Order, e.ID)
	}
}

// TestOwnID: of several submissions with one id exactly one counts, and the others change nothing of
// its parameters.
func TestOwnID(t *testing.T) {
	c := rig.Start(t, rig.Options{})
	large := strings.Repeat("x", 100<<10)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []string
	for _, letter := range strings.Split("abcdefgh", "") {
		wg.Go(func() {
			r := rig.Request()
			r.ID, r.Params = "mine-1", map[string]string{"p": letter + large}
			_, err := c.Dispatcher.Submit(t.Context(), r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won = append(won, letter)
			case !errors.Is(err, dispatch.ErrExists):
				t.Errorf("got %v, want ErrExists", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("got %q, want one", won)
	}
	a := c.Agent("s1", 1)
	o := rig.Expect[*wire.Order](a)
	if o.Order != "mine-1" || o.Params["p"] != won[0]+large {
		t.Errorf("got %s with parameter of %d bytes, %.1q, want %q", o.Order, len(o.Params["p"]), o.Params["p"], won[0])
	}
	finish(c, a, o.Ref)
	r := rig.Request()
	r.ID = "mine-1"
	if _, err := c.Dispatcher.Submit(t.Context(), r); !errors.Is(err, dispatch.ErrExists) {
		t.Errorf("after its end: got %v, want ErrExists", err)
	}
}
