package live

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a Hub. Kinds are required.
type Config struct {
	Kinds []Kind
	// Problem says to people why rows were not loaded.
	Problem func(error) string
	Logger  *slog.Logger
}

// Kind is what can be followed of one kind of things.
type Kind struct {
	Name string
	// All loads all rows; nil: only single ones can be followed.
	All func(context.Context) (map[string]Row, error)
	// One loads one row, nil where there is no such thing; nil: only all can be followed.
	One   func(ctx context.Context, key string) (Row, error)
	Every time.Duration // [1 s]
}

// Hub loads what is followed while somebody looks. Create it with New.
type Hub struct {
	log     *slog.Logger
	feeds   map[string]*feed
	closed  chan struct{} // Run has ended
	all     sync.WaitGroup
	viewers atomic.Int64
}

// New returns a hub; Run loads.
func New(cfg Config) *Hub {
	if cfg.Problem == nil {
		cfg.Problem = func(error) string { return "the cloud does not answer" }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{log: cfg.Logger, feeds: map[string]*feed{}, closed: make(chan struct{})}
	for _, k := range cfg.Kinds {
		h.feeds[k.Name] = newFeed(k, cfg)
	}
	return h
}

// Run loads what is followed until ctx ends. Then it closes what is open, and waits for that.
func (h *Hub) Run(ctx context.Context) error {
	defer h.all.Wait()
	defer close(h.closed)
	var loading sync.WaitGroup
	defer loading.Wait()
	for _, f := range h.feeds {
		loading.Go(func() { f.run(ctx) })
	}
	<-ctx.Done()
	return nil
}

// find returns the feed of a topic, and the key of the row that it is about, "" for all; nil where
// nothing like that can be followed.
func (h *Hub) find(topic string) (f *feed, key string) {
	kind, key, one := strings.Cut(topic, "/")
	f = h.feeds[kind]
	if f == nil || one && (key == "" || f.One == nil) || !one && f.All == nil {
		return nil, ""
	}
	return f, key
}

// fresh waits for a tick that is not older than the question.
func (h *Hub) fresh(ctx context.Context, f *feed) (*tick, error) {
	for asked := time.Now(); ; {
		t := f.current()
		if t.since(asked) {
			return t, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.closed:
			return nil, context.Canceled
		case <-t.next:
		}
	}
}
