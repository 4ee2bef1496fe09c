package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Config of a Hub. Load is required.
type Config struct {
	Load  func(context.Context) (Snapshot, error)
	Every time.Duration // [1 s]
	// Problem says to people why Load failed.
	Problem func(error) string
	Logger  *slog.Logger
}

// Hub loads snapshots while somebody looks. Create it with New.
type Hub struct {
	cfg    Config
	asked  chan struct{} // somebody has begun to look
	closed chan struct{} // Run has ended
	all    sync.WaitGroup

	mu      sync.Mutex
	viewers int
	polled  time.Time // last
	now     *tick
}

// tick is one snapshot and what is sent of it.
type tick struct {
	seq     int64
	begun   time.Time     // loading it
	next    chan struct{} // closed when there is a newer one
	now     Snapshot
	before  Snapshot
	problem string
	news    bool // the problem is not that of the last tick

	mu   sync.Mutex
	sent map[message]*prepared
}

type message struct {
	topic string
	all   bool
}

type prepared struct {
	data []byte
	ws   *websocket.PreparedMessage // nil: there is nothing to send
}

// New returns a hub; Run loads.
func New(cfg Config) *Hub {
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.Problem == nil {
		cfg.Problem = func(error) string { return "the cloud does not answer" }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Hub{cfg: cfg, asked: make(chan struct{}, 1), closed: make(chan struct{}), now: &tick{next: make(chan struct{})}}
}

// lookTime is how long a poll counts as somebody who looks.
const lookTime = 15 * time.Second

// Run loads snapshots until ctx ends. Then it closes what is open, and waits for that.
func (h *Hub) Run(ctx context.Context) error {
	defer h.all.Wait()
	defer close(h.closed)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.asked:
		}
		for h.watched() {
			h.load(ctx)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(h.cfg.Every):
			}
		}
	}
}

func (h *Hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.viewers > 0 || time.Since(h.polled) < lookTime
}

// look notes that somebody looks: for as long as a connection lasts, or polls once.
func (h *Hub) look(viewers int) {
	h.mu.Lock()
	h.viewers += viewers
	if viewers == 0 {
		h.polled = time.Now()
	}
	h.mu.Unlock()
	if viewers >= 0 {
		select {
		case h.asked <- struct{}{}:
		default:
		}
	}
}

// load takes the next snapshot. What was shown stays where that fails.
func (h *Hub) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	begun := time.Now()
	s, err := h.cfg.Load(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.now
	t := &tick{seq: old.seq + 1, begun: begun, next: make(chan struct{}), now: s, before: old.now}
	if err != nil {
		t.now, t.problem = old.now, h.cfg.Problem(err)
		if old.problem == "" {
			h.cfg.Logger.Warn("live pages stand still", "err", err)
		}
	}
	t.news = t.problem != old.problem
	h.now = t
	close(old.next)
}

// current returns the last tick.
func (h *Hub) current() *tick {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// since reports whether the tick shows nothing that is older than a time. A page was made before it asks
// for what is new: an older snapshot would take from it what was made in between.
func (t *tick) since(asked time.Time) bool { return t.seq > 0 && !t.begun.Before(asked) }

// fresh waits for a tick that is not older than the question.
func (h *Hub) fresh(ctx context.Context) (*tick, error) {
	for asked := time.Now(); ; {
		t := h.current()
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

// of returns what is sent of the topic, made once for all who follow it: everything, or what
// changed since the tick before.
func (t *tick) of(topic string, all bool) (*prepared, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := message{topic, all}
	if p, ok := t.sent[key]; ok {
		return p, nil
	}
	u := Update{All: t.now != nil, Rows: t.now.of(topic), Problem: t.problem}
	if wellAgain := t.news && t.problem == ""; !all && !wellAgain {
		u = t.now.since(t.before, topic)
		u.Problem = t.problem
	}
	p := new(prepared)
	if !u.empty() {
		var err error
		if p.data, err = json.Marshal(u); err != nil {
			return nil, err
		}
		if p.ws, err = websocket.NewPreparedMessage(websocket.TextMessage, p.data); err != nil {
			return nil, err
		}
	}
	if t.sent == nil {
		t.sent = map[message]*prepared{}
	}
	t.sent[key] = p
	return p, nil
}
