package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/gateway/roster"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

// maxImport bounds the file of an import, in bytes.
const maxImport = 4 << 30

func (a *API) updates(w http.ResponseWriter, r *http.Request) error {
	known, err := a.Releases.Files.Releases(r.Context())
	if err != nil {
		return err
	}
	plan, err := a.Releases.Plan(r.Context())
	if err != nil {
		return err
	}
	running := map[string]int{}
	for _, s := range a.Registry.Servers("") {
		if session, state := a.Sessions.Look(s.XID); state == roster.Connected {
			running[session.Version]++
		}
	}
	list, err := a.Packages.List(r.Context())
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, v1.Updates{Known: known, Packages: list, Plan: plan, Running: running})
	return nil
}

// importRelease spools the bundle, because the end of a ZIP is read first.
func (a *API) importRelease(w http.ResponseWriter, r *http.Request) error {
	body, err := a.transfer(w, r, maxImport)
	if err != nil {
		return err
	}
	spool, err := a.Releases.Files.Temp()
	if err != nil {
		return fmt.Errorf("importing a bundle: %w", err)
	}
	defer func() { _, _ = spool.Close(), os.Remove(spool.Name()) }()
	size, err := io.Copy(spool, body)
	if err != nil {
		return fmt.Errorf("importing a bundle: %w", err)
	}
	known, err := a.Releases.Files.Import(r.Context(), spool, size)
	if err != nil {
		return err
	}
	a.Logger.Info("releases imported", "releases", len(known.Releases), "expires", known.Expires)
	answer(w, http.StatusOK, known)
	return nil
}

func (a *API) rollout(w http.ResponseWriter, r *http.Request) error {
	var q v1.NewRollout
	if err := read(w, r, &q); err != nil {
		return err
	}
	var err error
	for _, xid := range q.Canaries {
		if _, unknown := a.Registry.Server(xid); unknown != nil {
			err = errors.Join(err, unknown)
		}
	}
	if err != nil {
		return err
	}
	plan, err := a.Releases.Roll(r.Context(), r.PathValue("channel"), releases.Rollout{
		Version: q.Version, Canaries: q.Canaries, Percent: q.Percent, NotBefore: q.NotBefore, MaxFailures: q.MaxFailures,
	})
	if err != nil {
		return err
	}
	a.Logger.Info("rollout changed", "channel", r.PathValue("channel"), "version", q.Version, "percent", q.Percent, "canaries", len(q.Canaries))
	answer(w, http.StatusOK, plan)
	return nil
}

func (a *API) halt(w http.ResponseWriter, r *http.Request) error {
	var q v1.Halt
	if err := read(w, r, &q); err != nil {
		return err
	}
	plan, err := a.Releases.Halt(r.Context(), r.PathValue("channel"), q.Reason)
	if err != nil {
		return err
	}
	a.Logger.Info("rollout halted", "channel", r.PathValue("channel"), "reason", q.Reason)
	answer(w, http.StatusOK, plan)
	return nil
}

// choose sets channel and pin of a server or of an Environment.
func (a *API) choose(w http.ResponseWriter, r *http.Request) error {
	var q v1.Choose
	if err := read(w, r, &q); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	var err error
	if q.Server != "" {
		_, err = a.Registry.Server(q.Server)
	} else {
		_, err = a.Registry.Environment(q.Environment)
	}
	if err != nil {
		return err
	}
	plan, err := a.Releases.Change(r.Context(), func(p *releases.Plan) error {
		if q.Server != "" {
			p.Servers[q.Server] = q.Choice
		} else {
			p.Environments[q.Environment] = q.Choice
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Logger.Info("release chosen", "server", q.Server, "environment", q.Environment, "channel", q.Channel, "pin", q.Pin)
	answer(w, http.StatusOK, plan)
	return nil
}
