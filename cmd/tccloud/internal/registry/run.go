package registry

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Sessions are the live connections, which Run ends if it must.
type Sessions interface {
	// Connected lists the servers with a live session.
	Connected(ctx context.Context) ([]wire.ServerXID, error)
	// Disconnect ends the session of xid, if any, with code.
	Disconnect(ctx context.Context, xid wire.ServerXID, code wire.Code) error
	// Resume tells xid, if it is connected, that it may take orders again.
	Resume(ctx context.Context, xid wire.ServerXID) error
}

// recheck bounds how long a session can exist that was authenticated just before a change that
// forbids it and registered just after the change.
const recheck = 10 * time.Second

// rewatch is the pause before a lost watch is started again.
const rewatch = time.Second

// Run follows the bucket and cuts sessions that are no longer allowed, until ctx ends. While the
// store does not answer, what is known stays valid.
func (r *Registry) Run(ctx context.Context, sessions Sessions) error {
	for {
		err := r.follow(ctx, sessions)
		if ctx.Err() != nil {
			return nil
		}
		r.log.Warn("watch of the registry lost, beginning again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rewatch):
		}
	}
}

func (r *Registry) follow(ctx context.Context, sessions Sessions) error {
	// A watch begins with all entries, so that no change is missed between Open, or a lost watch,
	// and this one.
	watch, err := r.kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = watch.Stop() }()
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-watch.Updates():
			if !ok {
				return errors.New("it ended")
			}
			if e != nil {
				r.watched(e)
			}
		case <-r.changed:
			r.cut(ctx, sessions)
		case <-tick.C:
			r.cut(ctx, sessions)
			r.resume(ctx, sessions)
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
		code := r.mustLeave(xid)
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

// mustLeave returns the code with which a connected server must leave, or "".
func (r *Registry) mustLeave(xid wire.ServerXID) wire.Code {
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
