package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// renew answers GET /appAuth?expiredToken=T in the App's own form, failures too.
func (h *handler) renew(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return notAllowed(w, http.MethodGet)
	}
	// A client that did not escape the base64 in its token sent "+" as it is.
	token := strings.ReplaceAll(r.URL.Query().Get("expiredToken"), " ", "+")
	if token == "" || len(token) > maxToken {
		return writeJSON(w, http.StatusUnauthorized, renewal{Message: ErrToken.Error()})
	}
	fresh, expires, err := h.Store.Renew(r.Context(), token)
	switch {
	case errors.Is(err, ErrToken):
		return writeJSON(w, http.StatusUnauthorized, renewal{Message: ErrToken.Error()})
	case err != nil:
		return err
	}
	return writeJSON(w, http.StatusOK, renewal{
		Success: true, Token: fresh, Expires: strconv.FormatInt(expires.Unix(), 10),
	})
}

type renewal struct {
	Success bool   `json:"success"`
	Token   string `json:"apiToken,omitempty"`
	Expires string `json:"apiTokenExpires,omitempty"` // epoch seconds, as text
	Message string `json:"message,omitempty"`
}

func (h *handler) logs(w http.ResponseWriter, r *http.Request, s Session, _ []string) error {
	done, err := h.turns.acquire(r.Context(), s.ID)
	if err != nil {
		return err
	}
	defer done()
	body, err := readBody(w, r, MaxLogBody, "a batch of log entries")
	if err != nil {
		return err
	}
	var entries []LogEntry
	if err := json.Unmarshal(body, &entries); err != nil {
		return &httpError{http.StatusBadRequest, "the body is not a list of log entries"}
	}
	if err := h.Store.AppendLog(r.Context(), s, entries); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "Success"})
}

func (h *handler) parameters(w http.ResponseWriter, r *http.Request, s Session, _ []string) error {
	params, err := h.Store.Params(r.Context(), s)
	if err != nil {
		return err
	}
	if params == nil {
		params = map[string]string{}
	}
	return writeJSON(w, http.StatusOK, map[string]any{"inputs": params})
}

func (h *handler) variable(w http.ResponseWriter, r *http.Request, s Session, rest []string) error {
	data, err := h.Store.Variable(r.Context(), s, rest[0], rest[1])
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"data": data})
}

// keyValue reads or writes one Playbook variable. rest is {key} or {context, key}.
func (h *handler) keyValue(w http.ResponseWriter, r *http.Request, s Session, rest []string) error {
	kvContext := s.Context
	if s.Service != 0 && len(rest) == 2 {
		kvContext = ServiceContext(s.Service, rest[0])
	}
	if kvContext == "" || (s.Service == 0 && len(rest) == 2 && rest[0] != s.Context) {
		return &httpError{http.StatusForbidden, "the token does not open this context"}
	}
	key := rest[len(rest)-1]
	if r.Method == http.MethodGet || r.ContentLength < 0 || r.ContentLength > small {
		done, err := h.turns.acquire(r.Context(), s.ID)
		if err != nil {
			return err
		}
		defer done()
	}
	if r.Method == http.MethodGet {
		value, err := h.Store.Get(r.Context(), kvContext, key)
		if errors.Is(err, ErrNotFound) {
			value, err = []byte("null"), nil
		}
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(value)))
		_, _ = w.Write(value) // the App hung up: nobody is left to tell
		return nil
	}
	value, err := readBody(w, r, h.MaxValue, "a Playbook variable")
	if err != nil {
		return err
	}
	if err := h.Store.Put(r.Context(), kvContext, key, value); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "Success"})
}
