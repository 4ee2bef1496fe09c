package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// adminToken is who has the token of the cloud's data folder.
var adminToken = access.Principal{Name: "admin token", Role: access.Administrator, How: access.ByAdminToken}

// principal finds out who makes a request: who the context says, which only this program can set, or
// who the bearer token is of.
func (a *API) principal(r *http.Request) (access.Principal, error) {
	if p, ok := access.From(r.Context()); ok {
		p, err := a.Users.Current(p)
		if err != nil {
			return p, problem(http.StatusUnauthorized, v1.CodeUnauthorized, "%v", err).Try("sign in again")
		}
		return p, nil
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1 {
		return adminToken, nil
	}
	p, err := a.Users.Bearer(token)
	if err != nil {
		return p, problem(http.StatusUnauthorized, v1.CodeUnauthorized, "the token is missing, wrong or has expired").
			Try("give --token-file, TCCLOUD_TOKEN_FILE or --data DIR on the cloud's own host; the cloud keeps its token in DIR/admin.token")
	}
	return p, nil
}

// AdminHandler serves the admin API to this program itself: to the console, on behalf of who has
// signed in there. It goes by the principal in the request's context (package access) and by nothing
// that the request says, so that a header that a browser sends signs nobody in.
func (a *API) AdminHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := access.From(r.Context()); !ok {
			a.fail(w, r, problem(http.StatusUnauthorized, v1.CodeUnauthorized, "nobody has signed in"))
			return
		}
		a.operators.ServeHTTP(w, r)
	})
}

// authorized serves the requests of those who may make them, refuses others, and has all that are not
// just reading in the audit log before anybody hears that they succeeded.
func (a *API) authorized(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := a.principal(r)
		out := &audited{ResponseWriter: w, record: func(e audit.Entry) { a.record(r, rt, e) }, entry: audit.Entry{
			Time: time.Now().UTC(), Who: p.Name, How: string(p.How), From: hostOf(r.RemoteAddr),
			Action: r.Method + " " + r.URL.EscapedPath(), Outcome: audit.OK,
		}}
		defer out.done()
		if err == nil {
			r = r.WithContext(access.With(r.Context(), p))
			err = a.allow(r, p, rt)
		}
		if err == nil {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // transfers set their own
			err = rt.serve(out, r)
		}
		if err != nil {
			out.entry.Outcome = describe(err).Code
			a.fail(out, r, err)
		}
	})
}

// record writes to the audit log. Only what succeeded and is rare is waited for.
func (a *API) record(r *http.Request, rt route, e audit.Entry) {
	switch {
	case e.Outcome == v1.CodeUnauthorized, e.Outcome == v1.CodeForbidden:
		a.Audit.Refused(e)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
	case e.Outcome != audit.OK || rt.often:
		a.Audit.Later(e)
	default:
		a.Audit.Record(r.Context(), e)
	}
}

// audited is an answer that is preceded by its entry in the audit log.
type audited struct {
	http.ResponseWriter
	entry  audit.Entry
	record func(audit.Entry) // nil: it was
}

func (w *audited) done() {
	if record := w.record; record != nil {
		w.record = nil
		record(w.entry)
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *audited) WriteHeader(status int) {
	w.done()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *audited) Write(b []byte) (int, error) {
	w.done()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (w *audited) Unwrap() http.ResponseWriter { return w.ResponseWriter }
