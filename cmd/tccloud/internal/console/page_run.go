package console

import (
	"cmp"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// runData is what the page that runs an App shows.
type runData struct {
	v1.App
	Path         string // of the App's pages
	ID           string // of the execution: the form sent twice runs once
	Fields       []field
	Environments []string
	Servers      []choice
	Environment  string
	Server       string
	Timeout      string // minutes
	Retryable    bool
	Again        *v1.Execution // that is run again; nil: none
	Lost         []string      // parameters that it had, whose values are to be filled in
}

// Title implements titled.
func (d runData) Title() string { return "Run " + d.Name }

func loadRun(q *request) (any, error) {
	form, sent := q.URL.Query(), q.PostForm
	app, err := q.cloud.App(q.Context(), q.PathValue("name"), cmp.Or(sent.Get("version"), form.Get("version")))
	if err != nil {
		return nil, err
	}
	d := runData{App: app, Path: appPath(app.Name), ID: sent.Get("id"), Fields: fieldsOf(app)}
	d.Environment, d.Server, d.Timeout, d.Retryable = form.Get("environment"), form.Get("server"), strconv.Itoa(app.TimeoutMinutes), false
	if app.TimeoutMinutes == 0 {
		d.Timeout = ""
	}
	if err := d.again(q, form.Get("again")); err != nil {
		return nil, err
	}
	if sent.Has("id") {
		readFields(d.Fields, app, sent)
		d.Environment, d.Server, d.Timeout, d.Retryable = sent.Get("environment"), sent.Get("server"), sent.Get("timeout"), sent.Has("retryable")
	}
	if d.ID == "" {
		id, err := uuid.NewV7() // sorts by time
		if err != nil {
			return nil, err
		}
		d.ID = id.String()
	}
	return d, d.places(q)
}

// again fills in what is known of an execution: the names of its parameters, not their values.
func (d *runData) again(q *request, id string) error {
	if id == "" {
		return nil
	}
	e, err := q.cloud.Execution(q.Context(), wire.OrderID(id))
	if gone, ok := errors.AsType[*clientError](err); ok && gone.Code == v1.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	d.Again, d.Environment, d.Server, d.Retryable = &e, e.Environment, string(e.Only), e.Retryable
	if e.TimeoutMS > 0 {
		d.Timeout = strconv.FormatInt(max(1, e.TimeoutMS/60_000), 10)
	}
	d.Lost = e.Params
	return nil
}

// places are where the App can run.
func (d *runData) places(q *request) error {
	environments, err := q.cloud.Environments(q.Context())
	if err != nil {
		return err
	}
	for _, e := range environments {
		if e.Active {
			d.Environments = append(d.Environments, e.Name)
		}
	}
	servers, err := q.cloud.Servers(q.Context(), "")
	if err != nil {
		return err
	}
	for _, s := range servers {
		if s.Revoked == nil {
			d.Servers = append(d.Servers, choice{string(s.XID), s.Environment + ": " + s.Name})
		}
	}
	return nil
}

// runApp submits the form. It is under the id that the page was made with: a form that is sent twice,
// or again after an answer that was lost, runs the App once.
func runApp(q *request) (done, error) {
	f := q.PostForm
	app, err := q.cloud.App(q.Context(), q.PathValue("name"), f.Get("version"))
	if err != nil {
		return done{}, err
	}
	fields := fieldsOf(app)
	params := readFields(fields, app, f)
	for _, field := range fields {
		if field.Problem != "" {
			return done{}, &invalid{"not all fields are filled in as the App wants them"}
		}
	}
	order := v1.NewExecution{
		ID: wire.OrderID(f.Get("id")), Environment: f.Get("environment"), Server: wire.ServerXID(f.Get("server")),
		App: app.Name, Version: app.Version, Params: params, Retryable: f.Has("retryable"),
	}
	if order.ID == "" {
		return done{}, &invalid{"the form is not whole: open it again"}
	}
	if s := strings.TrimSpace(f.Get("timeout")); s != "" {
		minutes, err := strconv.Atoi(s)
		if err != nil || minutes < 1 || minutes > mostMinutes {
			return done{}, &invalid{"the timeout is a number of minutes"}
		}
		order.TimeoutMS = int64(minutes) * 60_000
	}
	e, err := q.cloud.Run(q.Context(), order)
	if twice, ok := errors.AsType[*clientError](err); ok && twice.Code == v1.CodeExists {
		return done{say: "This form was sent before: this is the execution that it started.", to: "executions/" + url.PathEscape(string(order.ID))}, nil
	}
	if err != nil {
		return done{}, err
	}
	return done{say: app.Name + " was queued.", to: "executions/" + url.PathEscape(string(e.ID))}, nil
}

const mostMinutes = 90 * 24 * 60
