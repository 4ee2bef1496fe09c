package console

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/alexedwards/scs/v2"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
)

// flowKey is where a session of flows keeps its sso.Flow, as JSON.
const flowKey = "flow"

// newFlows has sessions for sign-ins at the provider that are under way. Their cookie is one that
// browsers send when the provider sends them back, as they do not with the cookie of who is signed in.
func newFlows(sessions *scs.SessionManager) *scs.SessionManager {
	s := scs.New()
	s.Store, s.HashTokenInStore, s.ErrorFunc = sessions.Store, true, sessions.ErrorFunc
	s.Lifetime = sso.FlowLife
	s.Cookie = sessions.Cookie
	s.Cookie.Name, s.Cookie.SameSite, s.Cookie.Persist = "__Host-tccloud-sso", http.SameSiteLaxMode, false
	return s
}

// signOnRoutes mounts single sign-on, if there is any.
func (c *Console) signOnRoutes(mux *http.ServeMux) {
	if c.SignOn == nil {
		return
	}
	flows := newFlows(c.sessions)
	both := func(h func(http.ResponseWriter, *http.Request, *scs.SessionManager)) http.Handler {
		return c.sessions.LoadAndSave(flows.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r, flows) })))
	}
	mux.Handle("GET "+sso.BeginPath, both(c.beginSignOn))
	mux.Handle("GET "+sso.CallbackPath, both(c.finishSignOn))
}

// beginSignOn sends the browser to the provider. That it is a link, and no form, lets the policy of the
// page name no foreign host; who is led here from elsewhere can only sign in as who they are.
func (c *Console) beginSignOn(w http.ResponseWriter, r *http.Request, flows *scs.SessionManager) {
	w.Header().Set("Cache-Control", "no-store")
	d := signInData{Next: next(r.URL.Query().Get("next"))}
	if _, ok := c.principal(r.Context()); ok {
		http.Redirect(w, r, d.Next, http.StatusSeeOther)
		return
	}
	home := c.SignOn.Home()
	if !strings.EqualFold(hostOf(r.Host), home.Hostname()) && !r.URL.Query().Has("moved") {
		home.RawQuery = url.Values{"next": {d.Next}, "moved": {"1"}}.Encode() // once, whatever a proxy makes of the host
		http.Redirect(w, r, home.String(), http.StatusSeeOther)
		return
	}
	if err := c.Accounts.Attempt(r.RemoteAddr); err != nil {
		c.notSignedOn(w, r, err, d)
		return
	}
	to, flow, err := c.SignOn.Begin(r.Context(), d.Next)
	if err != nil {
		c.notSignedOn(w, r, err, d)
		return
	}
	data, err := json.Marshal(flow)
	if err == nil {
		err = errors.Join(flows.Clear(r.Context()), flows.RenewToken(r.Context()))
	}
	if err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	flows.Put(r.Context(), flowKey, string(data))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// finishSignOn is where the provider sends the browser back to.
func (c *Console) finishSignOn(w http.ResponseWriter, r *http.Request, flows *scs.SessionManager) {
	var flow sso.Flow // without one Finish refuses
	if data := flows.GetString(r.Context(), flowKey); data != "" {
		if err := errors.Join(flows.Destroy(r.Context()), json.Unmarshal([]byte(data), &flow)); err != nil {
			c.fail(w, r, c.explain(err))
			return
		}
	}
	d := signInData{Next: next(flow.Next)}
	id, err := c.SignOn.Finish(r.Context(), flow, r.URL.Query())
	if err != nil {
		c.notSignedOn(w, r, err, d)
		return
	}
	p, err := c.Accounts.SignInBy(r.Context(), r.RemoteAddr, id)
	if errors.Is(err, access.ErrNoUser) {
		d.Problem = "You have signed in at " + c.SignOn.Name() + ", but are no user of this cloud, or may not sign in now."
		d.Hint = "Ask an administrator of this cloud. Your subject is " + plain.Name(plain.Head(id.ID, 255)) + "."
		c.showSignIn(w, r, http.StatusForbidden, d)
		return
	}
	if err == nil {
		err = c.begin(r.Context(), p)
	}
	if err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	// A redirect would go on with the provider's request, with which browsers do not send the cookie of
	// the session. This page's own request has it.
	d.Welcome = p.Name
	w.Header().Set("Refresh", "0; url="+d.Next)
	c.showSignIn(w, r, http.StatusOK, d)
}

// notSignedOn shows the page to sign in with what went wrong, and notes it.
func (c *Console) notSignedOn(w http.ResponseWriter, r *http.Request, err error, d signInData) {
	c.Accounts.Refused(r.Context(), r.RemoteAddr, err)
	e := c.explain(err)
	d.Problem, d.Hint = e.Message, e.Hint
	c.showSignIn(w, r, e.Status, d)
}
