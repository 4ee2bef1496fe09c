package console

import (
	"net/http"
	"net/url"

	"tcenvsvr/cmd/tccloud/internal/console/form"
)

// formPage is what a page shows that is a form (pages/form.html).
type formPage struct {
	*form.Form
	Heading string
	About   string // beside it, quietly
	Lead    string // below it
	Crumbs  []crumb
	See     crumb      // where more is said; no path: nowhere
	Choose  *appChoice // of the App that the form is about; nil: there is nothing to choose
	Action  string     // the path that it is sent to; "" where an App is to be chosen first
	Hidden  []hidden
	Seen    string // digest of what the form changes; "": it makes something new
	Send    string // the button's words
	Back    string // the path of the page that one comes back to
}

// crumb is a link to where one comes from.
type crumb struct{ Name, Path string }

// hidden is sent with the form.
type hidden struct{ Name, Value string }

// Title implements titled.
func (p formPage) Title() string { return p.Heading }

// sent reports whether the form is being sent, and is not only looked at.
func (q *request) sent() bool { return q.Method == http.MethodPost && !q.done }

// given is what was sent, or what a link to the form says.
func (q *request) given(name string) string {
	if q.sent() {
		return q.PostForm.Get(name)
	}
	return q.URL.Query().Get(name)
}

// fillIn reads what was sent, where it was.
func (q *request) fillIn(f *form.Form) {
	if q.sent() {
		f.Read(q.PostForm)
	}
}

// complete returns what is wrong with a form, in general: its fields say it.
func complete(f *form.Form) error {
	switch {
	case f == nil:
		return &invalid{"choose an App first"}
	case !f.Good():
		return &invalid{"not everything is filled in as it has to be: see below"}
	}
	return nil
}

// complete refuses as well what is over what somebody else did.
func (p formPage) complete(q *request) error {
	err := complete(p.Form)
	if err == nil && p.Seen != q.PostForm.Get("seen") {
		err = &invalid{"somebody changed it while this form was open: look at it, or send the form once more"}
	}
	return err
}

// link is a path with a query.
func link(path string, query url.Values) string { return path + "?" + query.Encode() }
