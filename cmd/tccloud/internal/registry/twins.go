package registry

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// Twin returns the conflict of several hosts that run with the identity of this bundle, nil if
// there is none. A host with a newer bundle is the one that the bundle was made for.
func (r *Registry) Twin(xid wire.ServerXID, bundle string) *twin.Conflict {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.servers[xid].value
	if s.Current.name() != bundle {
		return nil
	}
	return s.Twin
}

// RecordConflict records that other said hello as xid while holder had a session that was alive. It
// reports whether that is new, or was reported more than a minute ago.
func (r *Registry) RecordConflict(ctx context.Context, xid wire.ServerXID, holder, other twin.Host) (bool, error) {
	r.mu.RLock()
	known := r.servers[xid].value.Twin
	r.mu.RUnlock()
	if _, news := known.AddProof(holder, other, time.Now()); !news {
		return false, nil
	}
	news := false
	_, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		var c twin.Conflict
		if c, news = s.Twin.AddProof(holder, other, time.Now()); news {
			s.Twin = &c
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("recording that two hosts run as server %.70q: %w", string(xid), err)
	}
	if !news { // another gateway did it
		return false, nil
	}
	r.log.Error("two hosts run as one server", "server", xid, "keeps_its_session", holder.String(), "host", holder.ID,
		"refused", other.String(), "refused_host", other.ID, "same_machine_id", other.Machine != "" && other.Machine == holder.Machine,
		"hint", fmt.Sprintf("\"tccloud server show %s\", then \"tccloud server keep %s HOST\"; on the other host \"tcenvsvr unenroll\", and enroll it with a bundle of its own", xid, xid))
	return true, nil
}

// Keep chooses which of several hosts is the server, by an ID of Twin. The choice is valid until
// that host has renewed its certificate; from then on the others' is refused.
func (r *Registry) Keep(ctx context.Context, xid wire.ServerXID, id string) (Server, twin.Host, error) {
	var host twin.Host
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		if s.Twin == nil {
			return invalid("choice: only one host runs as this server")
		}
		c := *s.Twin
		var err error
		if host, err = c.Keep(id, time.Now()); err != nil {
			return invalid("choice: %w", err)
		}
		s.Twin = &c
		return nil
	})
	if err != nil {
		return Server{}, host, fmt.Errorf("choosing the host of server %.70q: %w", string(xid), err)
	}
	r.log.Warn("an administrator chose the host of a server", "server", xid, "host", host.ID, "is", host.String())
	return s.public(), host, nil
}

// Leave removes the hosts with this boot from the conflict: they gave the identity up.
func (r *Registry) Leave(ctx context.Context, xid wire.ServerXID, boot string) error {
	_, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		if s.Twin != nil {
			s.Twin = s.Twin.Leave(boot)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("recording that a host of server %.70q left: %w", string(xid), err)
	}
	return nil
}
