package releases

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path"
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
			return d.serveFile(w, r, "metadata", r.PathValue("name"))
		},
		"GET " + Prefix + "targets/{name...}": func(w http.ResponseWriter, r *http.Request, _ Server) error {
			return d.serveFile(w, r, "targets", r.PathValue("name"))
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

// serveFile serves one file. A target is named by its SHA-256, which is its ETag, so that an
// interrupted download can go on.
func (d *Director) serveFile(w http.ResponseWriter, r *http.Request, folder, name string) error {
	file, info, err := d.Files.open(folder, name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if sum, _, ok := strings.Cut(path.Base(name), "."); ok && folder == "targets" {
		w.Header().Set("ETag", `"`+sum+`"`)
	}
	out := pace.NewWriter(w)
	defer out.End()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(out, r, "", info.ModTime(), file)
	return nil
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
