package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// ackWait is how long a gateway may keep a message before another one gets it. Between pull and
// acknowledgement lies one durable write.
const ackWait = 5 * time.Second

// Queue is the work queues of all Environments.
type Queue struct {
	store *store.Store

	mu        sync.Mutex
	streams   map[string]jetstream.Stream
	consumers map[string]jetstream.Consumer
}

// Item is one message that was pulled. Exactly one of Done and Back must be called.
type Item struct {
	Order   wire.OrderID
	Attempt wire.Attempt
	msg     jetstream.Msg
}

// New returns the queues kept in s.
func New(s *store.Store) *Queue {
	return &Queue{store: s, streams: map[string]jetstream.Stream{}, consumers: map[string]jetstream.Consumer{}}
}

// Token is an Environment's name as part of subjects and stream names: letters, digits and - stay,
// any other byte becomes _XX. No two names share one.
func Token(env string) string {
	var b strings.Builder
	for _, c := range []byte(env) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02X", c)
		}
	}
	return b.String()
}

func streamName(env string) string { return "ORDERS_" + Token(env) }

func subject(env string, priority int, id wire.OrderID) string {
	return fmt.Sprintf("orders.%s.%d.%s", Token(env), priority, id)
}

// stream returns the Environment's stream, made on first use.
func (q *Queue) stream(ctx context.Context, env string) (jetstream.Stream, error) {
	q.mu.Lock()
	s := q.streams[env]
	q.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := q.store.Stream(ctx, q.store.Relaxed(jetstream.StreamConfig{
		Name:      streamName(env),
		Subjects:  []string{"orders." + Token(env) + ".*.*"},
		Retention: jetstream.WorkQueuePolicy,
		// One message an order is enough; a second put replaces the first.
		MaxMsgsPerSubject: 1,
		AllowDirect:       true,
		Metadata:          map[string]string{"environment": env},
	}))
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	q.streams[env] = s
	q.mu.Unlock()
	return s, nil
}

// consumer returns the shared consumer of one priority, made on first use.
func (q *Queue) consumer(ctx context.Context, env string, priority int) (jetstream.Consumer, error) {
	key := subject(env, priority, "*")
	q.mu.Lock()
	c := q.consumers[key]
	q.mu.Unlock()
	if c != nil {
		return c, nil
	}
	s, err := q.stream(ctx, env)
	if err != nil {
		return nil, err
	}
	c, err = s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       "p" + strconv.Itoa(priority),
		FilterSubject: key,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: 10_000,
		// Unacknowledged messages are in the stream all the same.
		MemoryStorage: true,
	})
	if err != nil {
		return nil, fmt.Errorf("opening queue of %q: %w", env, err)
	}
	q.mu.Lock()
	q.consumers[key] = c
	q.mu.Unlock()
	return c, nil
}

// forget drops what is remembered of the Environment's stream, which was removed, or lost with its
// server.
func (q *Queue) forget(env string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.streams, env)
	for p := range 10 {
		delete(q.consumers, subject(env, p, "*"))
	}
}

// Put adds an attempt to the queue, or replaces an older one of the order.
func (q *Queue) Put(ctx context.Context, env string, priority int, ref wire.Ref) error {
	for again := true; ; again = false {
		_, err := q.stream(ctx, env)
		if err == nil {
			_, err = q.store.JS().Publish(ctx, subject(env, priority, ref.Order), []byte(strconv.Itoa(int(ref.Attempt))))
		}
		if err == nil {
			return nil
		}
		if q.forget(env); !again {
			return fmt.Errorf("queueing order %s: %w", ref, err)
		}
	}
}

// Has reports whether the attempt, or a newer one, is in the queue.
func (q *Queue) Has(ctx context.Context, env string, priority int, ref wire.Ref) (bool, error) {
	s, err := q.stream(ctx, env)
	if err != nil {
		return false, err
	}
	m, err := s.GetLastMsgForSubject(ctx, subject(env, priority, ref.Order))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return false, nil
	case err != nil:
		q.forget(env)
		return false, fmt.Errorf("looking for order %s in the queue: %w", ref, err)
	}
	n, err := strconv.Atoi(string(m.Data))
	return err == nil && n >= int(ref.Attempt), nil
}

// Remove removes an order's message from the queue.
func (q *Queue) Remove(ctx context.Context, env string, priority int, id wire.OrderID) error {
	s, err := q.stream(ctx, env)
	if err != nil {
		return err
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(subject(env, priority, id))); err != nil {
		return fmt.Errorf("removing order %s from the queue: %w", id, err)
	}
	return nil
}

// Pull takes at most n messages of one priority; it waits at most wait for the first.
func (q *Queue) Pull(ctx context.Context, env string, priority, n int, wait time.Duration) ([]Item, error) {
	c, err := q.consumer(ctx, env, priority)
	if err != nil {
		return nil, err
	}
	var items []Item
	take := func(batch jetstream.MessageBatch, err error) error {
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			_, id, _ := strings.Cut(m.Subject()[len("orders."+Token(env))+1:], ".")
			attempt, err := strconv.Atoi(string(m.Data()))
			if err != nil || !wire.OrderID(id).Valid() {
				_ = m.Term() // it is not readable
				continue
			}
			items = append(items, Item{wire.OrderID(id), wire.Attempt(attempt), m})
		}
		return batch.Error()
	}
	if err = take(c.FetchNoWait(n)); err == nil && len(items) == 0 {
		err = take(c.Fetch(1, jetstream.FetchMaxWait(wait)))
	}
	if err != nil && len(items) == 0 {
		q.forget(env)
		return nil, fmt.Errorf("pulling from the queue of %q: %w", env, err)
	}
	return items, nil
}

// Done removes the message: the record says that the order is on its way or ended. If that fails
// the message comes again and finds the record so.
func (i Item) Done() { _ = i.msg.Ack() }

// Back returns the message to the queue after delay. If that fails it returns by itself a little
// later.
func (i Item) Back(delay time.Duration) { _ = i.msg.NakWithDelay(delay) }
