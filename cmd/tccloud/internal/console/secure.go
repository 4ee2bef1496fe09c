package console

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// policy lets a page load what this server sends and nothing else. Scripts cannot turn text into
// markup or code (trusted types), whatever the text is.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'; report-uri " + Prefix + "csp"

// secured sets the headers that all answers have.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := w.Header()
		set.Set("Content-Security-Policy", policy)
		set.Set("X-Content-Type-Options", "nosniff")
		set.Set("Referrer-Policy", "no-referrer")
		set.Set("Cross-Origin-Opener-Policy", "same-origin")
		set.Set("Cross-Origin-Resource-Policy", "same-origin")
		set.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		set.Set("X-Frame-Options", "DENY") // of old browsers
		h.ServeHTTP(w, r)
	})
}

const (
	maxForm  = 1 << 20 // bytes of a form without files
	formTime = time.Minute
)

// limited bounds forms. Files are bounded, and paced, by the API that stores them.
func limited(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime)) // best effort: not every connection has deadlines
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		h.ServeHTTP(w, r)
	})
}

// reports bounds what browsers report about pages that break the policy: anybody can send them.
type reports struct {
	mu     sync.Mutex
	minute time.Time
	logged int
}

const (
	reportsPerMinute = 10
	maxReport        = 8 << 10
)

func (p *reports) allow(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := now.Truncate(time.Minute); !m.Equal(p.minute) {
		p.minute, p.logged = m, 0
	}
	p.logged++
	return p.logged <= reportsPerMinute
}

// report logs what a browser did not load or run.
func (c *Console) report(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusNoContent)
	if !c.reports.allow(time.Now()) {
		return
	}
	var b struct {
		Report struct {
			Document  string `json:"document-uri"`
			Directive string `json:"effective-directive"`
			Blocked   string `json:"blocked-uri"`
			Source    string `json:"source-file"`
			Line      int    `json:"line-number"`
		} `json:"csp-report"`
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxReport))
	if err != nil || json.Unmarshal(data, &b) != nil {
		return
	}
	head := func(s string) string { return s[:min(len(s), 200)] }
	c.Logger.Warn("page of the console broke its policy", "page", head(b.Report.Document), "directive", head(b.Report.Directive),
		"blocked", head(b.Report.Blocked), "source", head(b.Report.Source), "line", b.Report.Line)
}
