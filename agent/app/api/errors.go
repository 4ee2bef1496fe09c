package api

import (
	"encoding/json"
	"errors"
	"net/http"
)

// httpError is an answer for the App; its text holds nothing of the request.
type httpError struct {
	status  int
	message string
}

func (e *httpError) Error() string { return e.message }

// fail answers with the status that belongs to err. Only unexpected errors are logged: an App's
// mistakes are the App's business.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := http.StatusInternalServerError, "the store is not available"
	known, ok := errors.AsType[*httpError](err)
	switch {
	case ok:
		status, message = known.status, known.message
	case errors.Is(err, ErrToken):
		status, message = http.StatusUnauthorized, ErrToken.Error()
	case errors.Is(err, ErrNotFound):
		status, message = http.StatusNotFound, ErrNotFound.Error()
	case errors.Is(err, ErrTooLarge):
		status, message = http.StatusRequestEntityTooLarge, ErrTooLarge.Error()
	case r.Context().Err() != nil:
		return // the App hung up
	default:
		h.Logger.Error("app request not served", "method", r.Method, "err", err)
	}
	_ = writeJSON(w, status, map[string]string{"status": "Failure", "message": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
