package releases

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// Prefix is where agents ask for releases.
const Prefix = "/api/internal/envsvr/updates/"

// AgentHandler serves agents, which authenticate by their appDeliveryToken; mount it at Prefix.
func (d *Director) AgentHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request, Server) error{
		"GET " + Prefix + "wanted": d.serveWanted,
		"GET " + Prefix + "metadata/{name}": func(w http.ResponseWriter, r *http.Request, _ Server) error {
			return d.serveMetadata(w, r, r.PathValue("name"))
		},
		"GET " + Prefix + "targets/{name...}": func(w http.ResponseWriter, r *http.Request, _ Server) error {
			return d.serveTarget(w, r, r.PathValue("name"))
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s, err := d.who(r)
			if err == nil {
				err = serve(w, r, s)
			}
			if err != nil {
				d.fail(w, r, s, err)
			}
		})
	}
	return mux
}

func (d *Director) who(r *http.Request) (Server, error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	xid, err := d.Servers.Deliver(token)
	if err != nil {
		return Server{}, err
	}
	environment, err := d.Servers.EnvironmentOf(xid)
	return Server{xid, environment}, err
}

func (d *Director) serveWanted(w http.ResponseWriter, r *http.Request, s Server) error {
	plan, err := d.Plan(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	now := time.Now()
	if !d.Trusted() {
		now = clock.Epoch // no rollout with a date has begun
	}
	return json.NewEncoder(w).Encode(plan.Wanted(s, now))
}

func (d *Director) serveMetadata(w http.ResponseWriter, r *http.Request, name string) error {
	p, _, err := d.Files.load(r.Context())
	if err != nil {
		return err
	}
	data, ok := p.Roles[name]
	if !ok {
		return fs.ErrNotExist
	}
	serve(w, r, bytes.NewReader(data))
	return nil
}

// serveTarget serves a program or a delta. Its SHA-256 is its ETag, so that an interrupted download
// can go on, at another gateway as well.
func (d *Director) serveTarget(w http.ResponseWriter, r *http.Request, name string) error {
	file, err := d.Files.target(r.Context(), name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	w.Header().Set("ETag", `"`+string(digest(name))+`"`)
	serve(w, r, file)
	return nil
}

func serve(w http.ResponseWriter, r *http.Request, content io.ReadSeeker) {
	out := pace.NewWriter(w)
	defer out.End()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(out, r, "", time.Time{}, content)
}

func (d *Director) fail(w http.ResponseWriter, r *http.Request, s Server, err error) {
	denied, isDenied := errors.AsType[*registry.Denied](err)
	switch {
	case isDenied && denied.Code == wire.CodeBadToken:
		http.Error(w, denied.Message, http.StatusUnauthorized)
	case isDenied:
		http.Error(w, denied.Error(), http.StatusForbidden)
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no such file", http.StatusNotFound)
	case r.Context().Err() != nil: // the agent hung up
	default:
		d.Logger.Error("request for a release not served", "server", s.XID, "path", r.URL.Path, "err", err)
		http.Error(w, "the cloud's storage is not available", http.StatusServiceUnavailable)
	}
}
