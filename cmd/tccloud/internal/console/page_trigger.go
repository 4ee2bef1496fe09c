package console

import (
	"fmt"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// triggerForm is the form that adds a trigger to a service.
type triggerForm struct {
	formPage
	service   v1.Service
	watch     v1.App // of the service
	appOfForm        // that an event starts; name "": none
	inputs    form.Of
}

func newTriggerForm(q *request) (triggerForm, error) {
	s, err := q.cloud.Service(q.Context(), q.PathValue("name"))
	if err != nil {
		return triggerForm{}, err
	}
	path := at("services", s.Name)
	p := triggerForm{service: s, appOfForm: q.appOfForm(), inputs: form.Of{Prefix: "t.", Trigger: true}, formPage: formPage{
		Heading: "Add a trigger to " + s.Name, Action: path + "/trigger", Send: "Add", Back: path, Crumbs: []crumb{{"Services", Prefix + "services"}, {s.Name, path}, {Name: "Add a trigger"}},
		Lead: "A trigger tells the App of the service what to watch for. Each event that it then finds can start another App.",
	}}
	p.of.Prefix, p.of.Variables = "s.", true
	if p.watch, err = q.cloud.App(q.Context(), s.App, s.Version); err != nil {
		return p, err
	}
	starts := form.Group{Title: "What each event starts"}
	p.Choose, err = q.choose(appChoice{Path: p.Action, Version: p.version, Title: "App that each event starts", Optional: true, Send: "Show its parameters", None: "There is no App yet that an event could start."},
		func(r wire.Runtime) bool { return !r.Service() })
	if err == nil && p.name != "" {
		err = p.find(q, &p.formPage)
		if say := missing(q, err); say != "" {
			p.Lead, p.name, err = say, "", nil
		}
		p.Choose.App = p.app.Name
		starts.Title, p.About = starts.Title+": "+p.About, ""
		starts.Note, starts.Fields = eventVariables(s, p.watch), form.Params(p.app, p.of)
	}
	if err != nil {
		return p, err
	}
	p.Form = form.New(
		form.Group{Fields: append([]form.Field{nameField("")}, form.Params(p.watch, p.inputs)...)},
		starts,
		form.Group{Title: "Variables of an event", Fold: true, Fields: []form.Field{{
			Name: "outputs", Kind: form.Long, Label: "The App shall write", Unit: "one a line; empty: all that it has", Hint: "#Trigger:1:name!String", Says: []string{"output "},
		}}},
	)
	q.fillIn(p.Form)
	return p, nil
}

// eventVariables says how a parameter gets what an event has.
func eventVariables(s v1.Service, app v1.App) string {
	if len(app.Outputs) == 0 {
		return ""
	}
	next := int64(1)
	for _, t := range s.Triggers {
		next = max(next, t.ID+1)
	}
	var names []string
	for _, o := range app.Outputs {
		names = append(names, fmt.Sprintf("#Trigger:%d:%s!%s", next, o.Name, o.Type))
	}
	return "A Playbook App reads what the event has: " + strings.Join(names, ", ") + ". The number is another one where a later trigger was removed."
}

func loadNewTrigger(q *request) (any, error) {
	p, err := newTriggerForm(q)
	return p.formPage, err
}

func addTrigger(q *request) (done, error) {
	p, err := newTriggerForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	n := v1.NewTrigger{Name: p.Value("name"), Params: p.Params(p.watch, p.inputs), Outputs: p.Lines("outputs")}
	if p.name != "" {
		n.Start = &services.Start{App: p.app.Name, Version: p.version, Params: p.Params(p.app, p.of)}
	}
	t, err := q.cloud.AddTrigger(q.Context(), p.service.Name, n)
	if err != nil {
		return done{}, err
	}
	d := done{say: "Trigger " + t.Name + " was added.", to: servicePath(p.service.Name)}
	if t.URL != "" {
		d.say += " This is its URL: whoever has it can call it."
		d.once, d.curl, d.shown = t.URL, curl(t.URL, "--data", "hello"), "service"
	}
	return d, nil
}

func removeTrigger(q *request) (done, error) {
	name, trigger := q.PathValue("name"), q.PathValue("trigger")
	if err := q.cloud.RemoveTrigger(q.Context(), name, trigger); err != nil {
		return done{}, err
	}
	return done{say: "Trigger " + trigger + " was removed.", to: servicePath(name)}, nil
}
