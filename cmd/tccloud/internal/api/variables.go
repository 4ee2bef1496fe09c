package api

import (
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func (a *API) variables(w http.ResponseWriter, r *http.Request) error {
	list, err := a.AppStore.ListVariables(r.Context())
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, list)
	return nil
}

// maxVariable keeps a variable below the message limit of an external NATS.
const maxVariable = 512 << 10

func (a *API) setVariable(w http.ResponseWriter, r *http.Request) error {
	var q v1.Content
	if err := read(w, r, &q); err != nil {
		return err
	}
	if len(q.Data) > maxVariable {
		return problem(http.StatusRequestEntityTooLarge, v1.CodeTooLarge, "a variable holds at most %d bytes", maxVariable)
	}
	source, id := r.PathValue("source"), r.PathValue("id")
	if err := a.AppStore.SetVariable(r.Context(), source, id, q.Data); err != nil {
		return err
	}
	a.Logger.Info("variable set", "source", source, "id", id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) deleteVariable(w http.ResponseWriter, r *http.Request) error {
	source, id := r.PathValue("source"), r.PathValue("id")
	if err := a.AppStore.DeleteVariable(r.Context(), source, id); err != nil {
		return err
	}
	a.Logger.Info("variable removed", "source", source, "id", id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
