package platform

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
)

// Config of a Platform; all but Intake, ForgetAfter and Logger are required.
type Config struct {
	// Execution returns the execution that a session stands for.
	Execution func(ctx context.Context, s api.Session) (dispatch.Execution, error)
	Artifacts *artifact.Store
	Data      *datastore.Store
	Metrics   jetstream.KeyValue // MetricsBucket
	Tenants   jetstream.KeyValue // TenantsBucket
	// ForgetAfter is how long ago an Environment's data must have been written first by a process before
	// it may be taken for a deleted one's: another gateway may know a new Environment already [1 h].
	ForgetAfter time.Duration
	// Intake returns an error while nothing new is taken; nil: it always is.
	Intake func() error
	Logger *slog.Logger
}

// Platform is safe for concurrent use.
type Platform struct {
	Config
	uploads *places // for content that is being received
	tenants tenants
}

// New returns a platform over its parts.
func New(cfg Config) *Platform {
	if cfg.Intake == nil {
		cfg.Intake = func() error { return nil }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.ForgetAfter = cmp.Or(cfg.ForgetAfter, time.Hour)
	return &Platform{Config: cfg, uploads: newPlaces(), tenants: tenants{said: map[string]tenant{}}}
}

// call is one request of one execution.
type call struct {
	*http.Request
	dispatch.Execution
	w    http.ResponseWriter
	rest []string // the decoded parts of the path that follow the endpoint's
}

type endpoint struct {
	path    string // "*" is any part, which goes into rest
	methods string
	serve   func(p *Platform, c *call) error
}

var endpoints = []endpoint{
	{"/v2/owners", "GET", (*Platform).owners},
	{"/v2/owners/*", "GET", (*Platform).owner},
	{"/v2/whoami", "GET", (*Platform).whoami},
	{"/v2/types/indicatorTypes", "GET", (*Platform).indicatorTypes},
	{"/v2/types/indicatorTypes/*", "GET", (*Platform).indicatorType},
	{"/v2/types/associationTypes", "GET", (*Platform).associationTypes},
	{"/v2/batch", "POST", (*Platform).createBatch},
	{"/v2/batch/createAndUpload", "POST", (*Platform).createAndUpload},
	{"/v2/batch/*", "GET POST", (*Platform).batch},
	{"/v2/batch/*/errors", "GET", (*Platform).batchErrors},
	{"/v2/batch/*/results", "GET", (*Platform).batchResults},
	{"/v2/exchange/db/*/*", "POST", (*Platform).data},
	{"/v2/exchange/db/*/*/*", "POST", (*Platform).data},
	{"/v2/customMetrics", "GET POST", (*Platform).metrics},
	{"/v2/customMetrics/*", "GET DELETE", (*Platform).metric},
	{"/v2/customMetrics/*/data", "POST", (*Platform).addToMetric},
	{"/v2/notifications", "POST", (*Platform).notify},
	{"/v3/security/owners", "GET", (*Platform).owners3},
	{"/v3/security/*", "GET", (*Platform).list3},
	{"/v3/*", "GET", (*Platform).list3},
}

// Serve answers one request; its path is relative to tc_api_path.
func (p *Platform) Serve(w http.ResponseWriter, r *http.Request, s api.Session) {
	w.Header().Set("Cache-Control", "no-store")
	if err := p.serve(w, r, s); err != nil {
		p.fail(w, r, err)
	}
}

func (p *Platform) serve(w http.ResponseWriter, r *http.Request, s api.Session) error {
	parts, err := split(r.URL.EscapedPath())
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		rest, ok := match(e.path, parts)
		if !ok {
			continue
		}
		if !slices.Contains(strings.Fields(e.methods), r.Method) {
			w.Header().Set("Allow", strings.ReplaceAll(e.methods, " ", ", "))
			return failure(http.StatusMethodNotAllowed, "the method is not supported here: %s", noIntelligence)
		}
		x, err := p.Execution(r.Context(), s)
		if errors.Is(err, dispatch.ErrNotFound) {
			err = failure(http.StatusUnauthorized, "%v", api.ErrToken)
		}
		if err != nil {
			return err
		}
		return e.serve(p, &call{r, x, w, rest})
	}
	return noEndpoint()
}

// noIntelligence says what this platform is not, and what to try.
const noIntelligence = "this cloud keeps no threat intelligence, \"tccloud serve --platform\" passes requests on"

func noEndpoint() error {
	return failure(http.StatusNotFound, "there is no such endpoint: %s", noIntelligence)
}

// split decodes the parts of an escaped path.
func split(path string) ([]string, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		decoded, err := url.PathUnescape(part)
		if err != nil || decoded == "" || len(decoded) > 1024 || strings.ContainsRune(decoded, 0) {
			return nil, failure(http.StatusBadRequest, "the path is not decodable")
		}
		parts[i] = decoded
	}
	return parts, nil
}

// match returns the parts that stand for a "*".
func match(pattern string, parts []string) (rest []string, ok bool) {
	want := strings.Split(pattern[1:], "/")
	if len(want) != len(parts) {
		return nil, false
	}
	for i, name := range want {
		switch {
		case name == "*":
			rest = append(rest, parts[i])
		case name != parts[i]:
			return nil, false
		}
	}
	return rest, true
}
