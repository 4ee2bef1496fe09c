package api

import (
	"context"
	"net/http"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

func (a *API) apps(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Catalog.List(r.Context())
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

func (a *API) addApp(w http.ResponseWriter, r *http.Request) error {
	body, err := transfer(w, r, wire.MaxAppSize)
	if err != nil {
		return err
	}
	app, err := a.Catalog.Add(r.Context(), body, flag(r, "replace"), a.needed(r.Context()))
	if err != nil {
		if f := describe(err); f.Code == v1.CodeExists {
			return f.Try("raise programVersion, or use --replace")
		}
		return err
	}
	a.Logger.Info("app added", "app", app.Name, "version", app.Version, "sha256", app.SHA256, "size", app.Size)
	answer(w, http.StatusCreated, app)
	return nil
}

// needed returns a function that reports whether an unfinished execution uses some content.
func (a *API) needed(ctx context.Context) func(wire.SHA256) (bool, error) {
	return func(sha wire.SHA256) (bool, error) {
		list, err := a.unfinished(ctx, "")
		return slices.ContainsFunc(list, func(e dispatch.Execution) bool { return e.App.SHA256 == sha }), err
	}
}

// removeApp removes a version from the catalog. Executions that have not ended keep its content; if
// there are any, the version is removed only with force.
func (a *API) removeApp(w http.ResponseWriter, r *http.Request) error {
	app, err := a.Catalog.Get(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	needed := a.needed(r.Context())
	if !flag(r, "force") {
		used, err := needed(app.SHA256)
		if err != nil {
			return err
		}
		if used {
			return problem(http.StatusConflict, v1.CodeInUse, "App %q version %q has unfinished executions", app.Name, app.Version).
				Try("wait, cancel them, or use --force: they will still get it")
		}
	}
	if err := a.Catalog.Remove(r.Context(), app.Name, app.Version, needed); err != nil {
		return err
	}
	a.Logger.Info("app removed", "app", app.Name, "version", app.Version)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
