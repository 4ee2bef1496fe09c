package api

import (
	"fmt"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/health"
)

// probe answers load balancers, which need no token and learn only which checks are bad: with 200
// if good says so, else with 503.
func (a *API) probe(good func(health.Report) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		r := a.Health.Report()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if !good(r) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, r.State)
		for _, c := range r.Checks {
			if c.State != health.OK {
				fmt.Fprintf(w, "%s: %s\n", c.Name, c.State)
			}
		}
	}
}

// scrape answers Prometheus.
func (a *API) scrape(w http.ResponseWriter, r *http.Request) error {
	p, _ := access.From(r.Context())
	a.Scrapes.Serve(w, r, p)
	return nil
}

// intake serves requests that bring something new into the cloud, and refuses them while the cloud
// takes nothing new.
func (a *API) intake(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if h := a.Health.Report(); !h.Intake() {
			return unwell(v1.CodeNoIntake, "nothing new is taken now", h)
		}
		return serve(w, r)
	}
}

// unwell is an error that says why the cloud is not well.
func unwell(code, what string, h health.Report) *v1.Error {
	worst := h.Worst()
	return problem(http.StatusServiceUnavailable, code, "%s: %s: %s", what, worst.Name, worst.Text).Try("%s", worst.Try)
}
