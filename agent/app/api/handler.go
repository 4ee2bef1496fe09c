package api

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Limits of what an App may send, in bytes.
const (
	DefaultMaxValue = 32 << 20 // one Playbook variable
	MaxLogBody      = 8 << 20  // one batch of log entries
	maxPath         = 8 << 10  // a path with its key, escaped
	maxToken        = 8 << 10
)

// Config says how to serve Apps. Only Store is required.
type Config struct {
	Store Store
	// Platform answers what Apps ask of their platform besides the endpoints of this package: /v2/…
	// and /v3/…, for a session that was authenticated. nil: there is no such endpoint.
	Platform func(w http.ResponseWriter, r *http.Request, s Session)
	MaxValue int64        // bytes of one Playbook variable; 0 = DefaultMaxValue
	Logger   *slog.Logger // nil = discard
}

// Handler serves the endpoints of the package documentation, relative to tc_api_path.
func Handler(cfg Config) http.Handler {
	if cfg.MaxValue <= 0 {
		cfg.MaxValue = DefaultMaxValue
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &handler{Config: cfg}
}

type handler struct {
	Config
	turns turns
}

// endpoint serves one authenticated request; rest are the decoded parts of the path that follow the
// endpoint's name.
type endpoint func(h *handler, w http.ResponseWriter, r *http.Request, s Session, rest []string) error

var endpoints = []struct {
	prefix   string // escaped path
	parts    []int  // how many parts may follow
	methods  string
	endpoint endpoint
}{
	{"/v2/logs/app", []int{0}, "POST", (*handler).logs},
	{"/internal/job/execution/parameters", []int{0}, "GET", (*handler).parameters},
	{"/internal/variable/runtime", []int{2}, "GET", (*handler).variable},
	{"/internal/playbooks/keyValue", []int{1, 2}, "GET PUT POST", (*handler).keyValue},
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	if len(path) > maxPath {
		return &httpError{http.StatusRequestURITooLong, "the path is too long"}
	}
	if strings.TrimSuffix(path, "/") == "/appAuth" {
		return h.renew(w, r)
	}
	for _, e := range endpoints {
		tail, ok := strings.CutPrefix(path, e.prefix)
		if !ok || (tail != "" && tail[0] != '/') {
			continue
		}
		rest, err := split(tail)
		if err != nil {
			return err
		}
		if !slices.Contains(e.parts, len(rest)) {
			break
		}
		if !strings.Contains(" "+e.methods+" ", " "+r.Method+" ") {
			return notAllowed(w, e.methods)
		}
		s, err := h.session(r)
		if err != nil {
			return err
		}
		return e.endpoint(h, w, r, s, rest)
	}
	if h.Platform != nil && (strings.HasPrefix(path, "/v2/") || strings.HasPrefix(path, "/v3/")) && !strings.HasPrefix(path, "/v2/logs/") {
		return h.platform(w, r)
	}
	return &httpError{http.StatusNotFound, "there is no such endpoint"}
}

// notAllowed refuses a request whose method is none of methods.
func notAllowed(w http.ResponseWriter, methods string) error {
	w.Header().Set("Allow", strings.ReplaceAll(methods, " ", ", "))
	return &httpError{http.StatusMethodNotAllowed, "the method is not supported here"}
}

// platform leaves the request to [Config].Platform.
func (h *handler) platform(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	done, err := h.turns.acquire(r.Context(), s.ID)
	if err != nil {
		return err
	}
	defer done()
	h.Platform(w, r, s)
	return nil
}

// split decodes the parts of an escaped path. It uses QueryUnescape, not PathUnescape: Java encodes
// a space as "+", and every client escapes a "+".
func split(tail string) ([]string, error) {
	tail = strings.Trim(tail, "/")
	if tail == "" {
		return nil, nil
	}
	parts := strings.Split(tail, "/")
	for i, p := range parts {
		d, err := url.QueryUnescape(p)
		if err != nil || d == "" || strings.ContainsRune(d, 0) {
			return nil, &httpError{http.StatusBadRequest, "the path is not decodable"}
		}
		parts[i] = d
	}
	return parts, nil
}

// session authenticates "Authorization: TC-Token T".
func (h *handler) session(r *http.Request) (Session, error) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "TC-Token") || token == "" || len(token) > maxToken {
		return Session{}, ErrToken
	}
	return h.Store.Session(r.Context(), token)
}

// readBody reads the body, of at most limit bytes; what names it in the error.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, what string) ([]byte, error) {
	tooLarge := &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("%s is too large: at most %d bytes are taken", what, limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge
		}
		return nil, &httpError{http.StatusBadRequest, "the body broke off"}
	}
	return body, nil
}
