package registry

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Drain says that a server takes no new orders for a while, whichever host or session it has.
type Drain struct {
	By     string    `json:"by"`              // who said so, as the cloud has verified it
	Owner  string    `json:"owner,omitempty"` // whom to ask about it, as By says
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody resumes it
}

const (
	maxDrain       = 90 * 24 * time.Hour
	maxDrainReason = 256 // bytes
	maxDrainOwner  = 128 // bytes
)

// Who names who drained the server, and the owner.
func (d *Drain) Who() string {
	if d.Owner == "" || d.Owner == d.By {
		return d.By
	}
	return d.By + " for " + d.Owner
}

// current reports whether the drain still counts.
func (d *Drain) current(now time.Time) bool {
	return d != nil && (d.Until.IsZero() || now.Before(d.Until))
}

// SetDrain stores that a server takes no new orders, for so long, 0 = until it is resumed. Of d it
// takes By, Owner and Reason.
func (r *Registry) SetDrain(ctx context.Context, xid wire.ServerXID, d Drain, duration time.Duration) (Server, error) {
	if duration < 0 || duration > maxDrain {
		return Server{}, invalid("drain of %s: want up to %s", duration, maxDrain)
	}
	if len(d.Reason) > maxDrainReason {
		return Server{}, invalid("reason of %d bytes: want up to %d", len(d.Reason), maxDrainReason)
	}
	if len(d.Owner) > maxDrainOwner {
		return Server{}, invalid("owner of %d bytes: want up to %d", len(d.Owner), maxDrainOwner)
	}
	d.Since, d.Until = time.Now().UTC().Truncate(time.Second), time.Time{}
	if duration > 0 {
		d.Until = d.Since.Add(duration)
	}
	return r.changeDrain(ctx, xid, func(*Drain) *Drain { return &d })
}

// EndDrain stores that a server takes orders again.
func (r *Registry) EndDrain(ctx context.Context, xid wire.ServerXID) (Server, error) {
	return r.changeDrain(ctx, xid, func(*Drain) *Drain { return nil })
}

func (r *Registry) changeDrain(ctx context.Context, xid wire.ServerXID, change func(*Drain) *Drain) (Server, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		s.Drain = change(s.Drain)
		return nil
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
		ended := false
		_, err := r.changeDrain(ctx, xid, func(d *Drain) *Drain {
			if ended = d != nil && !d.current(now); ended {
				return nil
			}
			return d // another gateway or an operator was faster
		})
		if err == nil && ended {
			r.log.Info("drain of a server is over", "server", xid)
			err = sessions.Resume(ctx, xid)
		}
		if err != nil {
			r.log.Warn("drain of a server not ended, trying again", "server", xid, "err", err)
		}
	}
}
