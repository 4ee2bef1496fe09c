package api

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
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
	body, err := a.transfer(w, r, wire.MaxAppSize)
	if err != nil {
		return err
	}
	signed, err := signatureOf(r)
	if err != nil {
		return err
	}
	app, err := a.Catalog.Add(r.Context(), body, signed, flag(r, "replace"), a.needed(r.Context()))
	if err != nil {
		if f := describe(err); f.Code == v1.CodeExists {
			return f.Try("raise programVersion, or use --replace")
		}
		return err
	}
	a.Logger.Info("app added", "app", app.Name, "version", app.Version, "sha256", app.SHA256, "size", app.Size, "signed_by", app.SignedBy)
	notes, err := a.jobsOf(r.Context(), app)
	if err != nil { // the App is there all the same
		a.Logger.Warn("what Jobs make of a new App is not known", "app", app.Name, "version", app.Version, "err", err)
	}
	answer(w, http.StatusCreated, v1.AddedApp{App: app, Jobs: notes})
	return nil
}

// signatureOf returns the signature that comes with a package, nil if there is none. It is a header,
// so that no server sees the App without it.
func signatureOf(r *http.Request) ([]byte, error) {
	header := r.Header.Get(v1.HeaderAppSignature)
	if header == "" {
		return nil, nil
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(text) > catalog.MaxSignature {
		return nil, problem(http.StatusBadRequest, v1.CodeBadRequest, "header %s is not base64 of at most %d bytes", v1.HeaderAppSignature, catalog.MaxSignature)
	}
	return text, nil
}

func (a *API) app(w http.ResponseWriter, r *http.Request) error {
	app, err := a.Catalog.Find(r.Context(), r.PathValue("name"), r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, app)
	return nil
}

// metrics lists what an App has counted in an Environment, also one whose versions are all gone.
func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("app")
	app, err := a.Catalog.Get(r.Context(), name, "")
	switch {
	case err == nil:
		name = app.Name
	case !errors.Is(err, catalog.ErrNotFound):
		return err
	}
	env, err := a.Registry.Environment(r.PathValue("name"))
	if err != nil {
		return err
	}
	list, err := a.Metrics.MetricsOf(r.Context(), env.Name, name)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

// signApp keeps a signature of an App that is in the catalog.
func (a *API) signApp(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, catalog.MaxSignature))
	if err != nil {
		return err
	}
	app, err := a.Catalog.Sign(r.Context(), r.PathValue("name"), r.PathValue("version"), text)
	if err != nil {
		return err
	}
	a.Logger.Info("app signed", "app", app.Name, "version", app.Version, "sha256", app.SHA256, "signed_by", app.SignedBy)
	answer(w, http.StatusOK, app)
	return nil
}

// appSignature answers with the signature of an App, as its publisher made it.
func (a *API) appSignature(w http.ResponseWriter, r *http.Request) error {
	app, err := a.Catalog.Get(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	text, err := a.Catalog.Signature(r.Context(), app.SHA256)
	if errors.Is(err, blob.ErrNotFound) {
		return problem(http.StatusNotFound, v1.CodeNotFound, "App %q version %q is not signed", app.Name, app.Version)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // only a client that left makes it fail
	return nil
}

// needed returns a function that reports whether an unfinished execution uses some content.
func (a *API) needed(ctx context.Context) func(wire.SHA256) (bool, error) {
	return func(sha wire.SHA256) (bool, error) {
		list, err := a.Dispatcher.Unfinished(ctx, "")
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
