package registry

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/wire"
)

// Sessions are the live connections that Run ends where it must.
type Sessions interface {
	// Connected lists the servers with a live session.
	Connected(ctx context.Context) ([]wire.ServerXID, error)
	// Disconnect ends the session of xid, if any, with code.
	Disconnect(ctx context.Context, xid wire.ServerXID, code wire.Code) error
}

// recheck bounds how long a session can outlive its right to exist that
// was authenticated just before a change and registered just after it.
const recheck = 10 * time.Second

// Run follows the bucket and cuts sessions that may no longer be, until
// ctx ends. It returns an error when the watch is lost for good.
func (r *Registry) Run(ctx context.Context, sessions Sessions) error {
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-r.watch.Updates():
			if !ok {
				if ctx.Err() != nil {
					return nil
				}
				return errors.New("watching the registry: the watch ended")
			}
			if e != nil {
				r.apply(e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut)
			}
		case <-r.changed:
			r.cut(ctx, sessions)
		case <-tick.C:
			r.cut(ctx, sessions)
		}
	}
}

func (r *Registry) cut(ctx context.Context, sessions Sessions) {
	connected, err := sessions.Connected(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("sessions not listed, asking again", "err", err)
		}
		return
	}
	for _, xid := range connected {
		code := r.verdict(xid)
		if code == "" {
			continue
		}
		if err := sessions.Disconnect(ctx, xid, code); err != nil {
			r.log.Warn("session not cut, trying again", "server", xid, "code", code, "err", err)
			continue
		}
		r.log.Info("session cut", "server", xid, "code", code)
	}
}

// verdict says why a connected server must leave, or "".
func (r *Registry) verdict(xid wire.ServerXID) wire.Code {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.servers[xid]
	switch {
	case !ok:
		return wire.CodeUnknownServer
	case s.value.Revoked != nil:
		return wire.CodeRevoked
	case !r.envs[s.value.Current.Environment].value.Active:
		return wire.CodeInactive
	}
	return ""
}
