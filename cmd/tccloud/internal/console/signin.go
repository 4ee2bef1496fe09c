package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
)

// principalKey is where a session keeps who it is of, as JSON.
const principalKey = "principal"

// known serves requests of sessions that somebody has signed in to, and leads others to the page
// where one does.
func (c *Console) known(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := c.principal(r.Context()); ok {
			h.ServeHTTP(w, r.WithContext(access.With(r.Context(), p)))
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			c.fail(w, r, Explained{http.StatusUnauthorized, "unauthorized", "Your session has ended.", "Sign in, and do it again."})
			return
		}
		to := Prefix + "signin"
		if r.URL.Path != Prefix {
			to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
}

// principal returns who the session is of. Sessions of a user who was removed, or has got another
// role or password, have ended.
func (c *Console) principal(ctx context.Context) (access.Principal, bool) {
	var p access.Principal
	data := c.sessions.GetString(ctx, principalKey)
	if data == "" || json.Unmarshal([]byte(data), &p) != nil {
		return p, false
	}
	now, err := c.Accounts.Current(p)
	if err != nil {
		_ = c.sessions.Destroy(ctx) // it would be refused the next time, too
	}
	return now, err == nil
}

// signInData is what the page shows.
type signInData struct {
	Name, Next string
	Problem    string
	Hint       string       // what to try
	SignOn     string       // where one may sign in as well
	Welcome    string       // who has signed in, on the way to Next
	Link       *access.Link // that was followed, with its secret
	Secret     string
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	if _, ok := c.principal(r.Context()); ok {
		http.Redirect(w, r, next(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	c.showSignIn(w, r, http.StatusOK, signInData{Next: next(r.URL.Query().Get("next"))})
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, status int, d signInData) {
	v := c.view(r, "Sign in")
	if c.SignOn != nil {
		d.SignOn = c.SignOn.Name()
	}
	v.Data = d
	c.render(w, r, status, "signin", v)
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	d := signInData{Name: strings.TrimSpace(r.PostFormValue("name")), Next: next(r.PostFormValue("next"))}
	p, err := c.Accounts.SignIn(r.Context(), r.RemoteAddr, d.Name, r.PostFormValue("password"))
	c.enter(w, r, p, err, d)
}

// linkPage asks before a link is used up: programs that preview links must not do so.
func (c *Console) linkPage(w http.ResponseWriter, r *http.Request) {
	d := signInData{Secret: r.PathValue("secret")}
	l, err := c.Accounts.Link(r.Context(), d.Secret)
	if err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	d.Link = &l
	c.showSignIn(w, r, http.StatusOK, d)
}

func (c *Console) redeem(w http.ResponseWriter, r *http.Request) {
	d := signInData{Secret: r.PathValue("secret"), Name: strings.TrimSpace(r.PostFormValue("name")), Next: Prefix}
	l, err := c.Accounts.Link(r.Context(), d.Secret)
	if err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	d.Link = &l
	password := r.PostFormValue("password")
	if password != r.PostFormValue("again") {
		c.enter(w, r, access.Principal{}, &invalid{"the two passwords are not the same"}, d)
		return
	}
	p, err := c.Accounts.Redeem(r.Context(), r.RemoteAddr, access.Redemption{Secret: d.Secret, Name: d.Name, Password: password})
	c.enter(w, r, p, err, d)
}

// enter begins a session with a new token, or says why not.
func (c *Console) enter(w http.ResponseWriter, r *http.Request, p access.Principal, err error, d signInData) {
	if err != nil {
		e := c.explain(err)
		d.Problem, d.Hint = e.Message, e.Hint
		c.showSignIn(w, r, e.Status, d)
		return
	}
	if err := c.begin(r.Context(), p); err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	http.Redirect(w, r, d.Next, http.StatusSeeOther)
}

// begin makes the session one of p, with nothing in it from before and a new token.
func (c *Console) begin(ctx context.Context, p access.Principal) error {
	data, err := json.Marshal(p)
	if err == nil {
		err = errors.Join(c.sessions.Clear(ctx), c.sessions.RenewToken(ctx))
	}
	if err == nil {
		c.sessions.Put(ctx, principalKey, string(data))
	}
	return err
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.sessions.Destroy(r.Context()); err != nil {
		c.fail(w, r, c.explain(err))
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, Prefix+"signin", http.StatusSeeOther)
}

// next returns where to go after signing in: to a page of the console, whatever the link said.
func next(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, Prefix) || strings.ContainsAny(to, "\\\r\n\t") ||
		strings.HasPrefix(u.Path, Prefix+"sign") || strings.HasPrefix(u.Path, sso.BeginPath) {
		return Prefix
	}
	return u.RequestURI()
}
