package console

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"
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
	Info  *wire.Info // nil: it has not told any
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
	if s.Session != nil {
		d.Info = s.Session.Info
	}
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

// drainServer takes the hours of the form, none = until it is resumed.
func drainServer(q *request) (done, error) {
	d := v1.DrainServer{Reason: strings.TrimSpace(q.PostForm.Get("reason"))}
	if text := q.PostForm.Get("hours"); text != "" {
		hours, err := strconv.ParseFloat(text, 64)
		if err != nil || !(hours > 0) || hours > 24*90 {
			return done{}, &invalid{"a drain lasts for more than 0 and up to 2160 hours"}
		}
		d.Seconds = int64(hours * 3600)
	}
	s, err := q.cloud.DrainServer(q.Context(), wire.ServerXID(q.PathValue("xid")), d)
	if err != nil {
		return done{}, err
	}
	return done{say: s.Name + " takes no new orders. What runs there goes on.", to: serverPath(q)}, nil
}

func resumeServer(q *request) (done, error) {
	s, err := q.cloud.ResumeServer(q.Context(), wire.ServerXID(q.PathValue("xid")))
	if err != nil {
		return done{}, err
	}
	return done{say: s.Name + " takes orders again.", to: serverPath(q)}, nil
}

// controlServer asks a server that is connected for one thing; say has a place for its name.
func controlServer(action wire.Action, say string) func(*request) (done, error) {
	return func(q *request) (done, error) {
		xid := wire.ServerXID(q.PathValue("xid"))
		s, err := q.cloud.Server(q.Context(), xid)
		if err == nil {
			err = q.cloud.ControlServer(q.Context(), xid, v1.ControlServer{Action: action, Level: q.PostForm.Get("level")})
		}
		if err != nil {
			return done{}, err
		}
		return done{say: fmt.Sprintf(say, s.Name), to: serverPath(q)}, nil
	}
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
