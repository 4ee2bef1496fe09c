package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// drainServer has a server take no new orders. That is stored first: a server that is away is told when
// it comes.
func (a *API) drainServer(w http.ResponseWriter, r *http.Request) error {
	var q v1.DrainServer
	if err := read(w, r, &q); err != nil {
		return err
	}
	p, _ := access.From(r.Context())
	xid := wire.ServerXID(r.PathValue("xid"))
	s, err := a.Registry.SetDrain(r.Context(), xid, registry.Drain{By: p.Name, Owner: q.Owner, Reason: q.Reason}, time.Duration(min(q.Seconds, 1<<32))*time.Second)
	if err != nil {
		return err
	}
	a.Logger.Info("server drained", "server", xid, "by", p.Name, "until", s.Drain.Until)
	return a.tell(w, r, s, wire.ActionDrain)
}

func (a *API) resumeServer(w http.ResponseWriter, r *http.Request) error {
	xid := wire.ServerXID(r.PathValue("xid"))
	s, err := a.Registry.EndDrain(r.Context(), xid)
	if err != nil {
		return err
	}
	a.Logger.Info("server resumed", "server", xid)
	return a.tell(w, r, s, wire.ActionResume)
}

// tell tells a server, if it is connected, and answers with it.
func (a *API) tell(w http.ResponseWriter, r *http.Request, s registry.Server, action wire.Action) error {
	if err := a.Sessions.Control(r.Context(), s.XID, &wire.Control{Action: action}); err != nil && !errors.Is(err, gateway.ErrNotConnected) {
		return err
	}
	return a.answerServer(w, r, s)
}

var logLevels = []string{"debug", "info", "warn", "error"}

// controlServer asks a connected server for one thing, which is not stored.
func (a *API) controlServer(w http.ResponseWriter, r *http.Request) error {
	var q v1.ControlServer
	if err := read(w, r, &q); err != nil {
		return err
	}
	m := &wire.Control{Action: q.Action}
	switch q.Action {
	case wire.ActionRestart:
	case wire.ActionUpdate:
		m.Args = map[string]string{"apply": "now"}
	case wire.ActionLogLevel:
		if !slices.Contains(logLevels, q.Level) {
			return problem(http.StatusBadRequest, v1.CodeBadRequest, "log level %.20q: want debug, info, warn or error", q.Level)
		}
		m.Args = map[string]string{"level": q.Level}
	default:
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "action %.20q: want restart, log_level or update", string(q.Action))
	}
	s, err := a.Registry.Server(wire.ServerXID(r.PathValue("xid")))
	if err != nil {
		return err
	}
	err = a.Sessions.Control(r.Context(), s.XID, m)
	if errors.Is(err, gateway.ErrNotConnected) {
		return problem(http.StatusConflict, v1.CodeAway, "server %q is not connected", s.Name).
			Try("\"tccloud server show %s\" says since when; ask it again when it is back", s.XID)
	}
	if err != nil {
		return err
	}
	a.Logger.Info("server controlled", "server", s.XID, "action", q.Action)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
