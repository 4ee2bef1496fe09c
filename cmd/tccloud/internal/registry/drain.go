package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Drain says that a server takes no new orders for a while, whichever host or session it has.
type Drain struct {
	By     string    `json:"by"` // who said so
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody resumes it
}

const (
	maxDrain       = 90 * 24 * time.Hour
	maxDrainReason = 256 // bytes
)

// current reports whether the drain still counts.
func (d *Drain) current(now time.Time) bool {
	return d != nil && (d.Until.IsZero() || now.Before(d.Until))
}

// SetDrain stores that a server takes no new orders, for so long, 0 = until it is resumed.
func (r *Registry) SetDrain(ctx context.Context, xid wire.ServerXID, by, reason string, duration time.Duration) (Server, error) {
	if duration < 0 || duration > maxDrain {
		return Server{}, invalid("drain of %s: want up to %s", duration, maxDrain)
	}
	if len(reason) > maxDrainReason {
		return Server{}, invalid("reason of %d bytes: want up to %d", len(reason), maxDrainReason)
	}
	return r.changeDrain(ctx, xid, func(*Drain) (*Drain, error) {
		d := &Drain{By: by, Reason: reason, Since: time.Now().UTC().Truncate(time.Second)}
		if duration > 0 {
			d.Until = d.Since.Add(duration)
		}
		return d, nil
	})
}

// EndDrain stores that a server takes orders again.
func (r *Registry) EndDrain(ctx context.Context, xid wire.ServerXID) (Server, error) {
	return r.changeDrain(ctx, xid, func(*Drain) (*Drain, error) { return nil, nil })
}

func (r *Registry) changeDrain(ctx context.Context, xid wire.ServerXID, change func(*Drain) (*Drain, error)) (Server, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) (err error) {
		s.Drain, err = change(s.Drain)
		return err
	})
	if err != nil {
		return Server{}, fmt.Errorf("changing the drain of server %.70q: %w", string(xid), err)
	}
	return s.public(), nil
}

// Drained reports whether a server is to take no new orders.
func (r *Registry) Drained(xid wire.ServerXID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.servers[xid].value.Drain.current(time.Now())
}

// resume ends the drains whose time is over, and tells the servers.
func (r *Registry) resume(ctx context.Context, sessions Sessions) {
	now := time.Now()
	r.mu.RLock()
	var over []wire.ServerXID
	for xid, s := range r.servers {
		if d := s.value.Drain; d != nil && !d.current(now) {
			over = append(over, xid)
		}
	}
	r.mu.RUnlock()
	for _, xid := range over {
		_, err := r.changeDrain(ctx, xid, func(d *Drain) (*Drain, error) {
			if d == nil || d.current(now) { // another gateway or an operator was faster
				return nil, errUnchanged
			}
			return nil, nil
		})
		if err == nil {
			r.log.Info("drain of a server is over", "server", xid)
			err = sessions.Resume(ctx, xid)
		}
		if err != nil && !errors.Is(err, errUnchanged) {
			r.log.Warn("drain of a server not ended, trying again", "server", xid, "err", err)
		}
	}
}
