package api

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

const (
	minAway = 24 * 60 * 60             // seconds that servers are away for that are revoked together
	maxAway = 100 * 365 * 24 * 60 * 60 // seconds, more is the same
)

func present(s registry.Server, live map[wire.ServerXID]gateway.Session) v1.Server {
	out := v1.Server{Server: s}
	if c, ok := live[s.XID]; ok {
		if !s.Renamed {
			out.Name = cmp.Or(c.Name, s.Name)
		}
		out.Away = nil // it came back since
		out.Session = &v1.Session{
			Host:    c.Host.ID,
			Version: c.Version, OS: c.OS, Arch: c.Arch, Epoch: c.Epoch, Gateway: c.Gateway, RemoteAddr: c.RemoteAddr,
			Transport: c.Transport, Connected: c.Connected, RTTMS: float64(c.RTT.Microseconds()) / 1000, SkewMS: c.Skew.Milliseconds(),
			Executors: c.Executors, Credit: c.Credit, Info: c.Info, InfoAt: c.InfoAt,
		}
	}
	return out
}

// answerServer answers with a server as it is now.
func (a *API) answerServer(w http.ResponseWriter, r *http.Request, s registry.Server) error {
	live, err := a.connected(r.Context())
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, present(s, live))
	return nil
}

func (a *API) servers(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("environment")
	if name != "" {
		if err := mustSee(r.Context(), name); err != nil {
			return err
		}
		if _, err := a.Registry.Environment(name); err != nil {
			return err
		}
	}
	live, err := a.connected(r.Context())
	if err != nil {
		return err
	}
	list := []v1.Server{}
	for _, s := range a.Registry.Servers(name) {
		if sees(r.Context(), s.Environment) {
			list = append(list, present(s, live))
		}
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (a *API) server(w http.ResponseWriter, r *http.Request) error {
	s, err := a.Registry.Server(wire.ServerXID(r.PathValue("xid")))
	if err != nil {
		return err
	}
	return a.answerServer(w, r, s)
}

// sealing answers with the statements of an Environment's sealing keys. Who seals verifies them.
func (a *API) sealing(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Registry.Statements(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

// revokeServer revokes the server. The registry's Run cuts its session, at whichever gateway it is.
func (a *API) revokeServer(w http.ResponseWriter, r *http.Request) error {
	s, err := a.Registry.Revoke(r.Context(), wire.ServerXID(r.PathValue("xid")))
	if err != nil {
		return err
	}
	a.Logger.Info("server revoked", "server", s.XID, "name", s.Name, "environment", s.Environment)
	answer(w, http.StatusOK, v1.Server{Server: s})
	return nil
}

// revokeAway revokes those of the servers that have been away for long. Others' servers are not there.
func (a *API) revokeAway(w http.ResponseWriter, r *http.Request) error {
	var q v1.RevokeAway
	if err := read(w, r, &q); err != nil {
		return err
	}
	if n := len(q.Servers); n == 0 || n > v1.MaxRevoked || q.Seconds < minAway {
		return problem(http.StatusBadRequest, v1.CodeBadRequest, "%d servers that are away for %d s: want 1–%d servers, and %d s or more", n, q.Seconds, v1.MaxRevoked, minAway)
	}
	live, err := a.connected(r.Context())
	if err != nil {
		return err
	}
	out := v1.RevokedAway{Revoked: []v1.Server{}, Kept: []registry.Kept{}}
	var mine []wire.ServerXID
	for _, xid := range q.Servers {
		if s, err := a.Registry.Server(xid); err == nil && sees(r.Context(), s.Environment) {
			mine = append(mine, xid)
			continue
		}
		out.Kept = append(out.Kept, registry.Kept{XID: xid, Why: "there is no such server"})
	}
	revoked, kept, err := a.Registry.RevokeAway(r.Context(), mine, slices.Collect(maps.Keys(live)), time.Duration(min(q.Seconds, maxAway))*time.Second, time.Now())
	for _, s := range revoked {
		a.Logger.Info("server revoked, as it was away for long", "server", s.XID, "name", s.Name, "environment", s.Environment, "away", *s.Away)
		out.Revoked = append(out.Revoked, v1.Server{Server: s})
	}
	if err != nil {
		return err
	}
	out.Kept = append(out.Kept, kept...)
	answer(w, http.StatusOK, out)
	return nil
}

// changeServer renames a server. Its own settings keep the name of its bundle.
func (a *API) changeServer(w http.ResponseWriter, r *http.Request) error {
	var q v1.ChangeServer
	if err := read(w, r, &q); err != nil {
		return err
	}
	s, err := a.Registry.Rename(r.Context(), wire.ServerXID(r.PathValue("xid")), q.Name)
	if err != nil {
		return err
	}
	return a.answerServer(w, r, s)
}

// keepHost chooses which of several hosts is the server.
func (a *API) keepHost(w http.ResponseWriter, r *http.Request) error {
	var q v1.KeepHost
	if err := read(w, r, &q); err != nil {
		return err
	}
	xid := wire.ServerXID(r.PathValue("xid"))
	s, host, err := a.Registry.Keep(r.Context(), xid, q.Host)
	if err != nil {
		return err
	}
	if err := a.Sessions.Keep(r.Context(), xid, host); err != nil {
		return err
	}
	return a.answerServer(w, r, s)
}
