package registry

import (
	"context"
	"fmt"

	"tcenvsvr/agent/link/wire"
)

// NameTaken means that another server of the Environment has the name. Names are for people, who
// could not tell the two apart; the cloud itself goes by the XID.
type NameTaken struct {
	Name, Environment string
	XID               wire.ServerXID // of the server that has it
}

func (e *NameTaken) Error() string {
	return fmt.Sprintf("Environment %q has a server %q already: %s", e.Environment, e.Name, e.XID)
}

func validName(name string) error {
	if !serverName.MatchString(name) {
		return invalid("server name %.140q: use 1–128 letters, digits, spaces and . _ -", name)
	}
	return nil
}

// checkName checks the name that a request gives a server by what is known here; [Registry.claim] does
// it for all gateways.
func (r *Registry) checkName(q Request) error {
	if q.Name == "" {
		return nil
	}
	if err := validName(q.Name); err != nil {
		return err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for xid, s := range r.servers {
		if xid != q.Server && s.value.named(q.Environment, q.Name) {
			return &NameTaken{q.Name, q.Environment, xid}
		}
	}
	return nil
}

// Rename gives a server another name, and the identity that waits for its first use as well.
func (r *Registry) Rename(ctx context.Context, xid wire.ServerXID, name string) (Server, error) {
	s, err := r.Server(xid)
	if err != nil {
		return Server{}, err
	}
	if err := validName(name); err != nil {
		return Server{}, err
	}
	if err := r.checkName(Request{Environment: s.Environment, Server: xid, Name: name}); err != nil {
		return Server{}, err
	}
	used, err := r.claim(ctx, s.Environment, name, xid)
	if err != nil {
		return Server{}, err
	}
	changed, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		s.Current.Name, s.Renamed = name, true
		if s.Pending != nil {
			s.Pending.Name = name
		}
		return nil
	})
	if err != nil {
		return Server{}, fmt.Errorf("renaming server %.70q: %w", string(xid), err)
	}
	used()
	return changed.public(), nil
}
