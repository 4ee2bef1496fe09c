package console

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// serviceForm is the form that creates a service, or changes one.
type serviceForm struct {
	formPage
	was v1.Service // that is changed
	appOfForm
}

const newServicePath = "new-service"

// newServiceForm makes the form for an App. Without one, the App is chosen first.
func newServiceForm(q *request) (serviceForm, error) {
	p := serviceForm{appOfForm: q.appOfForm(), formPage: formPage{
		Heading: "Create a service", Action: Prefix + newServicePath, Send: "Create", Back: Prefix + "services", Crumbs: crumbsOf("Services", "services", "Create"),
		Lead: "A service is an App that is kept running: it answers webhooks or API calls, or watches for events.",
	}}
	p.was.Environment = q.given("environment")
	err := p.begin(q, &p.formPage, appChoice{Path: p.Action, None: "There is no service App yet."}, wire.Runtime.Service, p.fill)
	return p, err
}

// editServiceForm makes the form for a service. Its App may be another one: then the form is for that.
func editServiceForm(q *request) (serviceForm, error) {
	s, err := q.cloud.Service(q.Context(), q.PathValue("name"))
	if err != nil {
		return serviceForm{}, err
	}
	path := at("services", s.Name)
	p := serviceForm{was: s, appOfForm: q.appOfForm(), formPage: formPage{
		Heading: "Edit " + s.Name, Action: path + "/edit", Send: "Save", Back: path, Crumbs: []crumb{{"Services", Prefix + "services"}, {s.Name, path}, {Name: "Edit"}},
		Lead: "The cloud shows no values of parameters: what is left empty stays as it is. For another App, server or parameter another instance is started, which takes over when it is ready.",
	}}
	p.instead(q, s.App, s.Version)
	p.of.Kept = s.Params
	p.Seen = digestOfService(s)
	err = p.edit(q, &p.formPage, appChoice{Path: path + "/edit"}, wire.Runtime.Service, p.fill)
	return p, err
}

// fill makes the fields, for what the service is now, and reads what was sent.
func (p *serviceForm) fill(q *request) error {
	if err := p.find(q, &p.formPage); err != nil {
		return err
	}
	at, err := q.places()
	if err != nil {
		return err
	}
	s := p.was
	isNew := s.Name == ""
	what, where := []form.Field{at.environment(s.Environment)}, []form.Field{at.server(s.Server), {
		Name: "log_level", Kind: form.Choice, Label: "The App logs", Value: s.LogLevel,
		Options: slices.Insert(form.Options(services.LogLevels...), 0, form.Option{Label: "As much as it does by itself"}), Says: []string{"log level"},
	}}
	if isNew {
		what = append([]form.Field{nameField("")}, what...)
		where = append(where, limitFields(s.Limits)...)
		where = append(where, form.Field{Name: "stopped", Kind: form.Check, Label: "Do not start it yet"})
	}
	p.Form = form.New(
		form.Group{Fields: what},
		form.Group{Title: "Parameters", Fields: form.Params(p.app, p.of)},
		form.Group{Title: "How it is called", Fields: callFields(s, p.app.Runtime, isNew)},
		form.Group{Title: "Where, log and limits", Fold: true, Fields: where},
	)
	q.fillIn(p.Form)
	return nil
}

// callFields ask how an API service is called; others are not.
func callFields(s v1.Service, runtime wire.Runtime, isNew bool) []form.Field {
	if !(&services.Service{Runtime: runtime}).Calls() {
		return nil
	}
	fields := []form.Field{
		{Name: "path", Kind: form.Text, Label: "Path", Unit: "it is called at /api/services/PATH; empty: its name", Value: pathOf(s), Says: []string{"path"}},
		{Name: "call_timeout", Kind: form.Duration, Label: "A call ends after", Unit: "such as 90s or 2m; empty: 30s", Max: int64(services.MaxCallTimeout / time.Second), Value: form.DurationText(time.Duration(s.CallTimeoutMS) * time.Millisecond), Says: []string{"timeout of calls"}},
		{Name: "max_body", Kind: form.Number, Label: "Largest body of a call", Unit: "bytes; empty: 5 MiB", Max: services.MaxMaxBody, Value: form.NumberText(s.MaxBody), Says: []string{"largest body"}},
		{Name: "rate", Kind: form.Number, Label: "Calls in a second", Unit: "empty: 500", Max: services.MaxRate, Value: form.NumberText(int64(s.Rate)), Says: []string{"calls in a second"}},
	}
	if isNew {
		fields = append(fields, form.Field{Name: "public", Kind: form.Check, Label: "Everybody may call it, without a token"})
	}
	return fields
}

// pathOf is the part of a service's URL that can be changed.
func pathOf(s v1.Service) string {
	_, path, _ := strings.Cut(s.URL, "/api/services/")
	return path
}

// digestOfService tells whether somebody changed a service while the form was open.
func digestOfService(s v1.Service) string {
	return digestOf(v1.Service{
		ID: s.ID, Environment: s.Environment, Server: s.Server, App: s.App, Version: s.Version, Params: s.Params, LogLevel: s.LogLevel,
		URL: s.URL, CallTimeoutMS: s.CallTimeoutMS, MaxBody: s.MaxBody, Rate: s.Rate,
	})
}

func loadNewService(q *request) (any, error) {
	p, err := newServiceForm(q)
	return p.formPage, err
}

func loadEditService(q *request) (any, error) {
	p, err := editServiceForm(q)
	return p.formPage, err
}

func createService(q *request) (done, error) {
	p, err := newServiceForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	s, err := q.cloud.CreateService(q.Context(), v1.NewService{
		Name: p.Value("name"), Environment: p.Value("environment"), Server: wire.ServerXID(p.Value("server")), App: p.app.Name, Version: p.version,
		Params: p.Params(p.app, p.of), Limits: limitsIn(p.Form), LogLevel: p.Value("log_level"), Stopped: p.Checked("stopped"),
		Path: p.Value("path"), Public: p.Checked("public"), CallTimeoutMS: p.Duration("call_timeout").Milliseconds(), MaxBody: p.Number("max_body"), Rate: int(p.Number("rate")),
	})
	if err != nil {
		return done{}, err
	}
	return q.madeService(s.Name, "Service "+s.Name+" was created.", s.Token, s.URL), nil
}

// madeService leads to a service's page, with the token that its callers need, if one was made.
func (q *request) madeService(name, say, token, url string) done {
	d := done{say: say, to: servicePath(name)}
	if token != "" {
		q.SetPathValue("name", name)
		d.say += " This is the token of its callers."
		d.once, d.curl, d.shown = token, curl(url, "-H", "Authorization: Bearer "+token), "service"
	}
	return d
}

func servicePath(name string) string { return "services/" + url.PathEscape(name) }

// curl is the command that calls a URL.
func curl(url string, words ...string) string {
	s := "curl"
	for _, w := range append(words, url) {
		if !strings.HasPrefix(w, "-") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		s += " " + w
	}
	return s
}

func editService(q *request) (done, error) {
	p, err := editServiceForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	was := p.was
	change := v1.ChangeService{Params: p.Params(p.app, p.of), Unset: p.Dropped(p.of)}
	differs(&change.Environment, was.Environment, p.Value("environment"))
	differs(&change.Server, was.Server, wire.ServerXID(p.Value("server")))
	differs(&change.App, was.App, p.name)
	differs(&change.Version, was.Version, p.version)
	differs(&change.LogLevel, was.LogLevel, p.Value("log_level"))
	if was.URL != "" {
		differs(&change.Path, pathOf(was), cmp.Or(p.Value("path"), was.Name))
		differs(&change.CallTimeoutMS, was.CallTimeoutMS, p.Duration("call_timeout").Milliseconds())
		differs(&change.MaxBody, was.MaxBody, p.Number("max_body"))
		differs(&change.Rate, was.Rate, int(p.Number("rate")))
	}
	s, err := q.cloud.ChangeService(q.Context(), was.Name, change)
	if err != nil {
		return done{}, err
	}
	return done{say: "Service " + s.Name + " was changed.", to: servicePath(s.Name)}, nil
}

func removeService(q *request) (done, error) {
	name := q.PathValue("name")
	if err := q.cloud.RemoveService(q.Context(), name); err != nil {
		return done{}, err
	}
	return done{say: "Service " + name + " was removed. Its App is told to end.", to: "services"}, nil
}

// renewToken makes a token in place of the one before.
func renewToken(q *request) (done, error) {
	name := q.PathValue("name")
	t, err := q.cloud.ServiceToken(q.Context(), name)
	if err != nil {
		return done{}, err
	}
	s, err := q.cloud.Service(q.Context(), name)
	if err != nil { // the token is there all the same
		return done{say: "This is the new token.", once: t.Token, to: servicePath(name)}, nil //nolint:nilerr // nobody can look it up later
	}
	return q.madeService(name, "The token before opens nothing any more.", t.Token, s.URL), nil
}
