package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
)

// appChoice is the form that chooses the App of another form.
type appChoice struct {
	Path         string
	Title        string // where it is no step of its own: of what is folded away
	Apps         []string
	App, Version string
	Range        bool   // the version may be one
	Optional     bool   // there may be none
	Send, None   string // the button's words, and what is said where there is no such App
}

// choose finds the Apps of some kinds.
func (q *request) choose(c appChoice, kinds func(wire.Runtime) bool) (*appChoice, error) {
	list, err := q.cloud.Apps(q.Context())
	for _, a := range list {
		if kinds(a.Runtime) && !slices.Contains(c.Apps, a.Name) {
			c.Apps = append(c.Apps, a.Name)
		}
	}
	return &c, err
}

// appOfForm is the App that a form is about.
type appOfForm struct {
	name    string // as what runs it has it
	version string // or a range
	app     v1.App // that would run now
	of      form.Of
}

func (q *request) appOfForm() appOfForm {
	return appOfForm{name: q.given("app"), version: strings.TrimSpace(q.given("version")), of: params}
}

// instead takes the App that there is, where no other one was chosen.
func (a *appOfForm) instead(q *request, name, version string) {
	a.name = cmp.Or(a.name, name)
	if !q.sent() && !q.URL.Query().Has("version") {
		a.version = version
	}
}

// find asks the cloud for the App.
func (a *appOfForm) find(q *request, p *formPage) (err error) {
	if a.app, err = q.cloud.App(q.Context(), a.name, a.version); err != nil {
		return err
	}
	p.About = a.app.Name + " " + cmp.Or(a.version, a.app.Version)
	p.Hidden = append(p.Hidden, hidden{"app", a.name}, hidden{"version", a.version})
	return nil
}

// missing returns what the cloud says where there is no such App, or version, that a link names.
func missing(q *request, err error) string {
	if e, ok := errors.AsType[*clientError](err); ok && !q.sent() && e.Status < http.StatusInternalServerError {
		return sentence(e.Message) + " Choose another one."
	}
	return ""
}

// begin makes a form for an App that is chosen first.
func (a *appOfForm) begin(q *request, p *formPage, c appChoice, kinds func(wire.Runtime) bool, fill func(*request) error) (err error) {
	if a.name != "" {
		err = fill(q)
		if p.See = (crumb{"Choose another App", c.Path}); missing(q, err) == "" {
			return err
		}
		p.Lead, p.See = missing(q, err), crumb{}
	}
	p.Action, p.Form = "", nil
	c.App, c.Version, c.Send = a.name, a.version, "Continue"
	p.Choose, err = q.choose(c, kinds)
	return err
}

// edit makes a form for an App that can be changed. Where it is gone, another one is to be chosen first.
func (a *appOfForm) edit(q *request, p *formPage, c appChoice, kinds func(wire.Runtime) bool, fill func(*request) error) (err error) {
	c.Title, c.Version, c.Send = "Another App or version", a.version, "Show its parameters"
	if p.Choose, err = q.choose(c, kinds); err != nil {
		return err
	}
	err = fill(q)
	if say := missing(q, err); say != "" {
		p.Action, p.Lead, p.Form, p.Choose.Title = "", say, nil, ""
		return nil
	}
	p.Choose.App = a.app.Name
	return err
}

// differs asks for a change where there is one.
func differs[T comparable](change **T, was, is T) {
	if was != is {
		*change = &is
	}
}

// digestOf tells whether what the cloud has is still what it was.
func digestOf(v any) string {
	text, _ := json.Marshal(v) // of what came as JSON it always works
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
