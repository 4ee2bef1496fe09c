package daemon

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// twinFor is how long a message of the cloud about a twin counts: the cloud repeats it whenever the
// other host is refused, about every minute.
const twinFor = 10 * time.Minute

// twinPace is the shortest time between two lines of the log about a twin.
const twinPace = time.Minute

// twin is the last message of the cloud about a twin.
type twin struct {
	mu     sync.Mutex
	last   *controlapi.Twin
	epoch  int64     // of the session in which it came: in a new session the cloud repeats it
	logged time.Time // when it was logged
	shown  bool      // last, or the one before it, was logged
}

// update stores a message of the cloud: without args there is no twin any more.
func (t *twin) update(epoch int64, args map[string]string, log *slog.Logger) {
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
	n := controlapi.Twin{Host: shown(args["host"]), Name: shown(args["name"]), Address: shown(args["address"]), Since: now, Seen: now}
	since := now.Sub(t.logged) // a cloud that names another host each time does not fill the log
	news := t.logged.IsZero() || since >= twinFor || (t.last == nil || t.last.Host != n.Host) && since >= twinPace
	if t.last != nil && t.last.Host == n.Host {
		n.Since = t.last.Since
	}
	t.last, t.epoch = &n, epoch
	if news {
		t.logged, t.shown = now, true
		log.Error("another host runs with this server's identity and is kept out by the cloud", "host", n.Host, "name", n.Name, "address", n.Address, "hint", controlapi.TwinHint)
	}
}

// now is the twin in the session with this epoch, nil if there is none.
func (t *twin) now(epoch int64) *controlapi.Twin {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || t.epoch != epoch || time.Since(t.last.Seen) >= twinFor {
		return nil
	}
	n := *t.last
	return &n
}

func hostname() string {
	name, _ := os.Hostname() // shown only
	return name
}

// shown is a word of the cloud as people and logs get it.
func shown(word string) string { return plain.Head(plain.Name(word), wire.MaxText) }
