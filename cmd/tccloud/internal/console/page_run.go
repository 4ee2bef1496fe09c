package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
)

// params are the names of a form's fields for an App's parameters.
var params = form.Of{Prefix: "p."}

// runForm is the form that runs an App once.
type runForm struct {
	formPage
	app v1.App
	id  string            // of the execution: the form sent twice runs once
	kv  map[string]string // Playbook variables
}

func newRunForm(q *request) (runForm, error) {
	app, err := q.cloud.App(q.Context(), q.PathValue("name"), q.given("version"))
	if err != nil {
		return runForm{}, err
	}
	p := runForm{app: app, id: q.PostForm.Get("id")}
	if !q.sent() {
		id, err := uuid.NewV7() // sorts by time
		if err != nil {
			return p, err
		}
		p.id = id.String()
	}
	path := appPath(app.Name)
	p.formPage = formPage{
		Heading: "Run " + app.Name, About: app.Version, Action: path + "/run", Send: "Run", Back: path,
		Crumbs: []crumb{{"Apps", Prefix + "apps"}, {app.Name, path}, {Name: "Run"}},
		Hidden: []hidden{{"id", p.id}, {"version", app.Version}},
	}
	like := v1.Execution{Environment: q.given("environment"), Priority: defaultPriority}
	if id := q.URL.Query().Get("again"); id != "" {
		if err := p.again(q, id, &like); err != nil {
			return p, err
		}
	}
	at, err := q.places()
	if err != nil {
		return p, err
	}
	p.Form = form.New(
		form.Group{Fields: append([]form.Field{at.environment(like.Environment)}, form.Params(app, params)...)},
		form.Group{Title: "Playbook variables", Fold: true, Fields: playbookFields(app)},
		form.Group{Title: "Where, for how long, and limits", Fold: true, Fields: append([]form.Field{
			at.server(like.Only), timeoutField(like.TimeoutMS), priorityField(&like.Priority),
			{Name: "retryable", Kind: form.Check, Label: "Run it again if its server is lost", Value: fmt.Sprint(like.Retryable)},
		}, limitFields(like.Limits)...)},
	)
	q.fillIn(p.Form)
	if p.kv, err = inputs.ParseKV(p.Value("kv")); err != nil {
		p.Refuse("kv", sentence(err.Error()))
	}
	return p, nil
}

// again fills in what is known of an execution: the names of its parameters, not their values.
func (p *runForm) again(q *request, id string, like *v1.Execution) error {
	e, err := q.cloud.Execution(q.Context(), wire.OrderID(id))
	if gone, ok := errors.AsType[*clientError](err); ok && gone.Code == v1.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	*like = e
	p.Lead = "The cloud shows no values of parameters."
	if len(e.Params) > 0 {
		p.Lead = "The cloud shows no values of parameters; it had " + strings.Join(e.Params, ", ") + "."
	}
	p.See = crumb{"See the execution before", at("executions", id)}
	return nil
}

// playbookFields ask for what a Playbook would have set before, and wants to have after.
func playbookFields(app v1.App) []form.Field {
	if app.Runtime != wire.RuntimePlaybook {
		return nil
	}
	fields := []form.Field{{
		Name: "kv", Kind: form.Long, Label: "Set before the start", Hint: "#App:1:name!String=value", Says: []string{"playbook variable"},
		Note: "A line NAME=VALUE for each, where VALUE is JSON or a text, or one JSON object of names and values.",
	}}
	if len(app.Outputs) > 0 {
		var outputs []string
		for _, o := range app.Outputs {
			outputs = append(outputs, fmt.Sprintf("#App:1:%s!%s", o.Name, o.Type))
		}
		fields = append(fields, form.Field{Name: "output", Kind: form.Several, Label: "The App shall write", Unit: "none checked: all", Options: form.Options(outputs...), Says: []string{"writes no variable"}})
	}
	return fields
}

func loadRun(q *request) (any, error) {
	p, err := newRunForm(q)
	return p.formPage, err
}

// runApp submits the form. It is under the id that the page was made with: a form that is sent twice,
// or again after an answer that was lost, runs the App once.
func runApp(q *request) (done, error) {
	p, err := newRunForm(q)
	if err != nil {
		return done{}, err
	}
	if err := p.complete(q); err != nil {
		return done{}, err
	}
	if p.id == "" {
		return done{}, &invalid{"the form is not whole: open it again"}
	}
	order := v1.NewExecution{
		ID: wire.OrderID(p.id), Environment: p.Value("environment"), Server: wire.ServerXID(p.Value("server")),
		App: p.app.Name, Version: p.app.Version, Params: p.Params(p.app, params), TimeoutMS: p.Duration("timeout").Milliseconds(),
		Priority: new(priorityIn(p.Form)), Retryable: p.Checked("retryable"), Limits: limitsIn(p.Form), KV: p.kv, OutVariables: p.Chosen("output"),
	}
	e, err := q.cloud.Run(q.Context(), order)
	if twice, ok := errors.AsType[*clientError](err); ok && twice.Code == v1.CodeExists {
		return done{say: "This form was sent before: this is the execution that it started.", to: "executions/" + url.PathEscape(p.id)}, nil
	}
	if err != nil {
		return done{}, err
	}
	return done{say: p.app.Name + " was queued.", to: "executions/" + url.PathEscape(cmp.Or(string(e.ID), p.id))}, nil
}
