package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	lookTime = 15 * time.Second // how long a poll counts as somebody who looks
	loadTime = 10 * time.Second
	fewRows  = 20 // that are loaded one by one
)

// feed is one kind, with who follows it.
type feed struct {
	Kind
	problem func(error) string
	log     *slog.Logger
	asked   chan struct{} // somebody has begun to look

	mu      sync.Mutex
	viewers map[string]int       // by key, "" = all rows
	polled  map[string]time.Time // last, by key
	now     *tick
}

// tick is what was loaded at once, and what is sent of it.
type tick struct {
	seq     int64
	begun   time.Time     // loading it
	next    chan struct{} // closed when there is a newer one
	rows    rows
	before  rows            // of the tick before
	keys    map[string]bool // that rows has, if they are there; "": it has all
	problem string
	news    bool // the problem is not that of the last tick

	mu   sync.Mutex
	sent map[message]*prepared
}

type message struct {
	key string
	all bool
}

type prepared struct {
	data []byte
	ws   *websocket.PreparedMessage // nil: there is nothing to send
}

func newFeed(k Kind, cfg Config) *feed {
	if k.Every == 0 {
		k.Every = time.Second
	}
	return &feed{
		Kind: k, problem: cfg.Problem, log: cfg.Logger.With("kind", k.Name), asked: make(chan struct{}, 1),
		viewers: map[string]int{}, polled: map[string]time.Time{}, now: &tick{next: make(chan struct{})},
	}
}

// run loads while somebody looks, until ctx ends.
func (f *feed) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.asked:
		}
		for f.load(ctx) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(f.Every):
			}
		}
	}
}

// follow notes that somebody looks at a key until leave is called.
func (f *feed) follow(key string) (leave func()) {
	f.mu.Lock()
	f.viewers[key]++
	f.mu.Unlock()
	f.ask()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.viewers[key]--; f.viewers[key] == 0 {
			delete(f.viewers, key)
		}
	}
}

// poll notes that somebody looked at a key once, and reports whether there is room for it.
func (f *feed) poll(key string) bool {
	f.mu.Lock()
	if len(f.polled) >= maxViews {
		f.mu.Unlock()
		return false
	}
	f.polled[key] = time.Now()
	f.mu.Unlock()
	f.ask()
	return true
}

func (f *feed) ask() {
	select {
	case f.asked <- struct{}{}:
	default:
	}
}

// followed returns the keys that somebody looks at.
func (f *feed) followed() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.polled, func(_ string, at time.Time) bool { return time.Since(at) >= lookTime })
	keys := map[string]bool{}
	for key := range f.viewers {
		keys[key] = true
	}
	for key := range f.polled {
		keys[key] = true
	}
	return keys
}

// load makes the next tick, and reports whether anybody looks. What was shown stays where that fails.
func (f *feed) load(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	begun := time.Now() // before it is asked who looks: a tick that is fresh to them is about their keys
	keys := f.followed()
	if len(keys) == 0 {
		return false
	}
	if f.All != nil && len(keys) > fewRows {
		keys[""] = true
	}
	loaded, err := f.loadKeys(ctx, keys)
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.now
	t := &tick{seq: old.seq + 1, begun: begun, next: make(chan struct{}), rows: loaded, before: old.rows, keys: keys}
	if err != nil {
		t.rows, t.keys, t.problem = old.rows, old.keys, f.problem(err)
		if old.problem == "" {
			f.log.Warn("live pages stand still", "err", err)
		}
	}
	t.news = t.problem != old.problem
	f.now = t
	close(old.next)
	return true
}

func (f *feed) loadKeys(ctx context.Context, keys map[string]bool) (rows, error) {
	if keys[""] {
		return f.All(ctx)
	}
	all := rows{}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		row, err := f.One(ctx, key)
		if err != nil {
			return nil, err
		}
		if row != nil {
			all[key] = row
		}
	}
	return all, nil
}

// current returns the last tick.
func (f *feed) current() *tick {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// since reports whether the tick shows nothing that is older than a time. A page was made before it asks
// for what is new: an older tick would take from it what was made in between.
func (t *tick) since(asked time.Time) bool { return t.seq > 0 && !t.begun.Before(asked) }

// of returns what is sent about a key, made once for all who follow it: everything, or what changed
// since the tick before.
func (t *tick) of(key string, all bool) (*prepared, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.sent[message{key, all}]; ok {
		return p, nil
	}
	u := Update{Problem: t.problem}
	wellAgain := t.news && t.problem == ""
	switch {
	case !t.keys[""] && !t.keys[key]: // it was never loaded
	case all || wellAgain:
		u.All, u.Rows = true, t.rows.of(key)
	default:
		u = t.rows.of(key).since(t.before.of(key))
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
	t.sent[message{key, all}] = p
	return p, nil
}
