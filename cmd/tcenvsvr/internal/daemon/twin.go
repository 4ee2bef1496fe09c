package daemon

import (
	"cmp"
	"log/slog"
	"os"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/plain"
)

// Twin is another host that tries to connect with this server's identity.
type Twin struct {
	Host    string    `json:"host"` // its id in the cloud
	Name    string    `json:"name"`
	Address string    `json:"address"` // as the cloud sees it
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen"`
}

// TwinHint is what to do about it.
const TwinHint = `the cloud keeps this host connected; "tccloud server show XID" lists both and says how to choose. On the clone run "tcenvsvr unenroll", then "tcenvsvr enroll" with a bundle of its own`

// twinFor is how long the last word of the cloud counts: it is said again
// whenever the other host is refused, which is every minute or so.
const twinFor = 10 * time.Minute

// twinPace is the shortest time between two lines of the log about it.
const twinPace = time.Minute

// twin is what the cloud said last.
type twin struct {
	mu    sync.Mutex
	last  *Twin
	epoch int64     // of the session it was said in: a new one says it again
	said  time.Time // in the log
	shown bool      // last, or the one before it, was said
}

// heard takes what the cloud says: without args it is over.
func (t *twin) heard(epoch int64, args map[string]string, log *slog.Logger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(args) == 0 {
		if t.last != nil && t.shown {
			log.Info("no other host runs with this server's identity any more", "host", t.last.Host)
		}
		t.last, t.shown = nil, false
		return
	}
	now := time.Now()
	n := Twin{Host: shown(args["host"]), Name: shown(args["name"]), Address: shown(args["address"]), Since: now, Seen: now}
	since := now.Sub(t.said) // a cloud that names another host each time does not fill the log
	news := t.said.IsZero() || since >= twinFor || (t.last == nil || t.last.Host != n.Host) && since >= twinPace
	if t.last != nil && t.last.Host == n.Host {
		n.Since = t.last.Since
	}
	t.last, t.epoch = &n, epoch
	if news {
		t.said, t.shown = now, true
		log.Error("another host runs with this server's identity and is kept out by the cloud", "host", n.Host, "name", n.Name, "address", n.Address, "hint", TwinHint)
	}
}

// now is what counts in the session of this moment, nil for nothing.
func (t *twin) now(epoch int64) *Twin {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || t.epoch != epoch || time.Since(t.last.Seen) >= twinFor {
		return nil
	}
	n := *t.last
	return &n
}

// String names it for people.
func (t Twin) String() string {
	return cmp.Or(t.Name, "a host without a name") + " at " + cmp.Or(t.Address, "an unknown address")
}

func hostname() string {
	name, _ := os.Hostname() // shown only
	return name
}

// shown is a word of the cloud as people and logs get it.
func shown(word string) string { return plain.Head(plain.Name(word), wire.MaxText) }
