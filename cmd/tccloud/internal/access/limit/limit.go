package limit

import (
	"sync"
	"time"
)

// most bounds the keys that are remembered. Beyond, those that are not known share one.
const most = 20_000

// Limit is safe for concurrent use.
type Limit struct {
	burst float64
	every time.Duration

	mu   sync.Mutex
	keys map[string]bucket
	rest bucket // what all keys have together that there was no room for
}

// bucket is how many tries there were at a time; they fade.
type bucket struct {
	used float64
	at   time.Time
}

// New allows each key burst tries, and one more each every.
func New(burst int, every time.Duration) *Limit {
	return &Limit{burst: float64(burst), every: every, keys: map[string]bucket{}}
}

// Try counts a try, or says how long to wait for the next one.
func (l *Limit) Try(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b, known := l.keys[key]
	if !known && len(l.keys) >= most {
		l.forget(now)
	}
	shared := !known && len(l.keys) >= most
	if shared {
		b = l.rest
	}
	b.used, b.at = l.left(b, now)+1, now
	if b.used > l.burst {
		return time.Duration((b.used - l.burst) * float64(l.every)), false
	}
	if shared {
		l.rest = b
	} else {
		l.keys[key] = b
	}
	return 0, true
}

// Undo takes back a try that was good.
func (l *Limit) Undo(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.keys[key]; ok {
		b.used = max(0, b.used-1)
		l.keys[key] = b
	}
}

// left is what has not faded yet.
func (l *Limit) left(b bucket, now time.Time) float64 {
	return max(0, b.used-float64(now.Sub(b.at))/float64(l.every))
}

// forget drops the keys all of whose tries have faded.
func (l *Limit) forget(now time.Time) {
	for key, b := range l.keys {
		if l.left(b, now) == 0 {
			delete(l.keys, key)
		}
	}
}
