package console

import (
	"cmp"
	"net"
	"net/url"
	"strings"
	"time"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/live"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// serverData is what the page of one server shows.
type serverData struct {
	v1.Server
	Row   live.Row
	Unfit *unfit
	Hosts []twinHost // that run as this server, none where one does
}

// Title implements titled.
func (d serverData) Title() string { return cmp.Or(d.Name, string(d.XID)) }

// unfit says why a server takes no orders.
type unfit struct {
	wire.Unfit
	Since time.Time
	Hint  string
}

// twinHost is one of several hosts with one identity.
type twinHost struct {
	twin.Host
	Choice string // what keepHost takes
	Words  string
	Kept   bool
}

func loadServer(q *request) (any, error) {
	s, err := q.cloud.Server(q.Context(), wire.ServerXID(q.PathValue("xid")))
	if err != nil {
		return nil, err
	}
	d := serverData{Server: s, Row: serverRow(s), Hosts: twinHosts(s)}
	if c := s.Session; c != nil && c.Info != nil && c.Info.Unfit != nil {
		u := c.Info.Unfit
		d.Unfit = &unfit{*u, c.InfoAt.Add(-time.Duration(u.ForMS) * time.Millisecond), fitness.Hints[u.Code]}
	}
	return d, nil
}

// twinHosts lists the hosts of a conflict, the one with the session first.
func twinHosts(s v1.Server) []twinHost {
	c := s.Twin
	if c == nil {
		return nil
	}
	var hosts []twinHost
	add := func(h twin.Host, words string) {
		if s.Session != nil && s.Session.Host == h.ID {
			words = "has the session"
		}
		ip, _, err := net.SplitHostPort(h.Address)
		if err != nil {
			ip = h.Address
		}
		hosts = append(hosts, twinHost{h, h.ID + "@" + ip, words, c.Kept == h.ID && c.KeptIP == ip})
	}
	add(c.Holder, "had the session")
	for _, h := range c.Others {
		add(h, "refused")
	}
	return hosts
}

func serverPath(q *request) string { return "servers/" + url.PathEscape(q.PathValue("xid")) }

func renameServer(q *request) (done, error) {
	s, err := q.cloud.RenameServer(q.Context(), wire.ServerXID(q.PathValue("xid")), strings.TrimSpace(q.PostForm.Get("name")))
	if err != nil {
		return done{}, err
	}
	return done{say: "The server is called " + s.Name + " now.", to: serverPath(q)}, nil
}

func revokeServer(q *request) (done, error) {
	s, err := q.cloud.RevokeServer(q.Context(), wire.ServerXID(q.PathValue("xid")))
	if err != nil {
		return done{}, err
	}
	return done{say: "Server " + s.Name + " was revoked. Only a new bundle lets it in again.", to: serverPath(q)}, nil
}

func keepHost(q *request) (done, error) {
	s, err := q.cloud.KeepHost(q.Context(), wire.ServerXID(q.PathValue("xid")), q.PostForm.Get("host"))
	if err != nil {
		return done{}, err
	}
	return done{say: "The host was chosen for " + s.Name + ". The others are refused as soon as it has renewed its certificate.", to: serverPath(q)}, nil
}
