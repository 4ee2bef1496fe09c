package api

import (
	"io"
	"net/http"
	"strconv"

	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
)

// artifacts lists what the App of an execution handed to the platform.
func (a *API) artifacts(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	list, err := a.Artifacts.List(r.Context(), e.ID)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

// requests lists what was passed on to the platform for an execution.
func (a *API) requests(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	list, err := a.Requests.List(r.Context(), e.ID)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

// artifact sends the content of a batch as its App uploaded it.
func (a *API) artifact(w http.ResponseWriter, r *http.Request) error {
	e, err := a.find(r)
	if err != nil {
		return err
	}
	id, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return artifact.ErrNotFound
	}
	content, about, err := a.Artifacts.Content(r.Context(), e.ID, id)
	if err != nil {
		return err
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream") // what an App calls JSON may be anything
	h.Set("Content-Length", strconv.FormatInt(about.Size, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Sha256", string(about.SHA256))
	out := pace.NewWriter(w)
	defer out.End()
	if _, err := io.Copy(out, content); err != nil {
		// The length was sent before, so the connection must not look complete.
		a.Logger.Warn("artifact not sent", "order", e.ID, "artifact", id, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
