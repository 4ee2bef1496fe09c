package api

import (
	"context"
	"maps"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// What changes of Jobs and of services have in common.

// set sets a field to a value that was given.
func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// changedParams are the parameters of what (a Job, a service) with those of set, and without those of unset.
func changedParams(what string, params, set map[string]string, unset []string) (map[string]string, error) {
	changed := map[string]string{}
	maps.Copy(changed, params)
	for _, name := range unset {
		if _, ok := changed[name]; !ok {
			return nil, problem(http.StatusBadRequest, v1.CodeBadRequest, "the %s has no parameter %.80q", what, name)
		}
		delete(changed, name)
	}
	maps.Copy(changed, set)
	return changed, nil
}

// removed removes what the path names.
func (a *API) removed(w http.ResponseWriter, r *http.Request, what string, remove func(context.Context, string) error) error {
	name := r.PathValue("name")
	if err := remove(r.Context(), name); err != nil {
		return err
	}
	a.Logger.Info("removed", "what", what, "name", name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
