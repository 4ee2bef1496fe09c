package console

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// page is one that signed-in users see: a template, with what load returns.
type page struct {
	name  string
	html  string // pages/HTML.html; "": that of the name
	path  string // below Prefix, e.g. "servers/{xid}"
	part  string // of the navigation that it belongs to
	title string // where load does not say a better one, see titled
	role  access.Role
	load  func(*request) (any, error)
	// live returns the topic that the page follows, see package live; nil: none.
	live func(*request) string
}

// action is a form's POST. After it the browser is led to a page, which shows what was done. Where
// it failed, the page that had the form is shown again with what went wrong and what was filled in.
type action struct {
	path string // below Prefix, e.g. "servers/{xid}/rename"
	role access.Role
	page string // the name of the page that has the form
	do   func(*request) (done, error)
}

// answered is what a link or a script gets that is no page: a file, a stream.
type answered struct {
	path string // below Prefix
	role access.Role
	do   func(*request) error // an error before anything was sent is shown as a page
}

// done tells how an action ended.
type done struct {
	say string // to the user, a sentence
	to  string // the path below Prefix that the browser is led to
	// once is shown on the page that had the form, or on another one, in the answer itself: nothing keeps it.
	once  string
	curl  string // how once is used, if it is by a command
	shown string // the name of the other page
	// served: the answer was sent already, as a file.
	served bool
}

// made is what an action made that is shown once: a secret.
type made struct {
	Say, Secret string
	Curl        string // a command that uses it
	Path        string // of the page that reloading leads to, so that it makes nothing again
}

// titled is implemented by what load returns where the page's title depends on it.
type titled interface{ Title() string }

// request is one of a signed-in user.
type request struct {
	*http.Request
	w     http.ResponseWriter
	user  access.Principal
	cloud *client.Client // asks as the user, with the request's context
	done  bool           // what was sent is done: no form shows it
	// console has what the admin API has not: the user's own session and password.
	console *Console
}

// failure is what an action of a page ended with.
type failure struct {
	Explained
	Action string // its path
}

type (
	clientError = v1.Error
	// invalid says what is wrong with a form.
	invalid struct{ text string }
)

func (e *invalid) Error() string { return e.text }

// page serves a page.
func (c *Console) page(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := c.request(w, r)
		if !q.user.Role.Allows(p.role) {
			c.fail(w, r, forbidden(p.role))
			return
		}
		c.show(q, p, nil, nil)
	})
}

// action serves a form's POST.
func (c *Console) action(a action) http.Handler {
	p := pageNamed(a.page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := c.request(w, r)
		if !q.user.Role.Allows(a.role) {
			c.fail(w, r, forbidden(a.role))
			return
		}
		if err := q.parse(); err != nil {
			c.fail(w, r, c.explain(err))
			return
		}
		d, err := a.do(q)
		switch {
		case err != nil && r.Context().Err() != nil:
		case err != nil:
			c.show(q, p, &failure{c.explain(err), a.path}, nil)
		case d.once != "":
			q.done = true
			c.show(q, pageNamed(cmp.Or(d.shown, a.page)), nil, &made{d.say, d.once, d.curl, Prefix + d.to})
		case !d.served:
			if d.say != "" {
				c.sessions.Put(r.Context(), flashKey, d.say)
			}
			http.Redirect(w, r, Prefix+d.to, http.StatusSeeOther)
		}
	})
}

// answer serves what is no page.
func (c *Console) answer(a answered) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := c.request(w, r)
		if !q.user.Role.Allows(a.role) {
			c.fail(w, r, forbidden(a.role))
			return
		}
		if err := a.do(q); err != nil && r.Context().Err() == nil {
			c.fail(w, r, c.explain(err))
		}
	})
}

// parse reads a form. A page with files reads them itself.
func (q *request) parse() error {
	if strings.HasPrefix(q.Header.Get("Content-Type"), "multipart/form-data") {
		return nil
	}
	if err := q.ParseForm(); err != nil {
		return &invalid{"the form could not be read"}
	}
	return nil
}

// request makes a request of the user whom known found.
func (c *Console) request(w http.ResponseWriter, r *http.Request) *request {
	user, _ := access.From(r.Context())
	return &request{Request: r.WithContext(withBrowser(r.Context(), w, r.RemoteAddr)), w: w, user: user, cloud: c.cloud, console: c}
}

// show answers with a page, and what an action on it ended with: it failed, or made a secret.
func (c *Console) show(q *request, p page, failed *failure, made *made) {
	ctx, cancel := context.WithTimeout(q.Context(), callTime)
	defer cancel()
	loading := *q
	loading.Request = q.WithContext(ctx)
	data, err := p.load(&loading)
	if err != nil {
		if q.Request.Context().Err() == nil {
			c.fail(q.w, q.Request, c.explain(err))
		}
		return
	}
	if f, ok := data.(interface{ Explain(message string) }); ok && failed != nil {
		f.Explain(failed.Message)
	}
	v := c.view(q.Request, p.title)
	v.Page, v.Part, v.Data, v.Failed, v.Made = p.name, p.part, data, failed, made
	if made != nil {
		v.Form = nil
	}
	if t, ok := data.(titled); ok {
		v.Title = t.Title()
	}
	if p.live != nil {
		v.Live = p.live(q)
	}
	status := http.StatusOK
	if failed != nil {
		status = failed.Status
	}
	c.render(q.w, q.Request, status, cmp.Or(p.html, p.name), v)
}

// fail answers with a page that says what went wrong.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, e Explained) {
	v := c.view(r, titleOf(e.Status))
	v.Data = e
	c.render(w, r, e.Status, "error", v)
}

func titleOf(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Not found"
	case http.StatusForbidden:
		return "Not allowed"
	}
	return "Something went wrong"
}

func forbidden(need access.Role) Explained {
	return Explained{http.StatusForbidden, "forbidden", "This needs the role " + string(need) + ".", "Ask an administrator of this cloud for it."}
}

func (c *Console) notFound(w http.ResponseWriter, r *http.Request) {
	c.fail(w, r, Explained{http.StatusNotFound, "not_found", "There is no such page.", "Perhaps what it showed was removed."})
}

// foreign refuses a form that another site's page has sent.
func (c *Console) foreign(w http.ResponseWriter, r *http.Request) {
	c.Logger.Warn("form of another site was refused", "remote", r.RemoteAddr, "path", r.URL.Path, "origin", r.Header.Get("Origin"))
	c.fail(w, r, Explained{http.StatusForbidden, "forbidden", "This form was sent by another site, and was refused.", "Open the console and do it there."})
}

const flashKey = "flash"

// view is what every template gets.
type view struct {
	Title   string
	Page    string // its name
	Part    string // of the navigation
	User    access.Principal
	Version string
	Flash   string // what was done
	Failed  *failure
	Made    *made
	Form    url.Values // what was filled in, or the query
	Live    string     // topic
	Path    string     // of the request
	Data    any
}

// May reports whether the user may do what needs the role.
func (v view) May(role access.Role) bool { return v.User.Role.Allows(role) }

// Opened reports whether an action failed, so that the form that was sent shows again.
func (v view) Opened(action string) bool { return v.Failed != nil && v.Failed.Action == action }

func (c *Console) view(r *http.Request, title string) view {
	user, _ := access.From(r.Context())
	v := view{Title: title, User: user, Version: c.Version, Form: r.Form, Path: r.URL.Path}
	if v.Form == nil {
		v.Form = r.URL.Query()
	}
	if user.Name != "" {
		v.Flash = c.sessions.PopString(r.Context(), flashKey)
	}
	return v
}

// render answers with a template. It is made as a whole first, so that a failure midway is no half
// page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	var b bytes.Buffer
	if err := c.templates.of(name).ExecuteTemplate(&b, "layout.html", v); err != nil {
		c.Logger.Error("page of the console not made", "page", name, "err", err)
		http.Error(w, "The cloud could not make this page. Its log says why.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = b.WriteTo(w) // only a browser that left makes it fail
	}
}

// pageNamed finds a page of the table.
func pageNamed(name string) page {
	for _, p := range pages {
		if p.name == name {
			return p
		}
	}
	panic("console: no page " + name) // the table is fixed, and a test makes a console of it
}
