package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/console/form"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// jobForm is the form that creates a Job, or changes one.
type jobForm struct {
	formPage
	was v1.Job // that is changed
	appOfForm
}

func isJob(r wire.Runtime) bool { return r == wire.RuntimeJob }

const newJobPath = "new-job"

// newJobForm makes the form for an App. Without one, the App is chosen first.
func newJobForm(q *request) (jobForm, error) {
	p := jobForm{appOfForm: q.appOfForm(), formPage: formPage{
		Heading: "Create a Job", Action: Prefix + newJobPath, Send: "Create", Back: Prefix + "jobs", Crumbs: crumbsOf("Jobs", "jobs", "Create"),
		Lead: "A Job runs an App by a schedule, or on demand, and gives each run what the one before left.",
	}}
	p.was = v1.Job{Environment: q.given("environment"), RetryDelayMS: (5 * time.Minute).Milliseconds(), Missed: jobs.Skip}
	err := p.begin(q, &p.formPage, appChoice{Path: p.Action, Range: true, None: "There is no Organization App yet."}, isJob, p.fill)
	return p, err
}

// editJobForm makes the form for a Job. Its App may be another one: then the form is for that.
func editJobForm(q *request) (jobForm, error) {
	j, err := q.cloud.Job(q.Context(), q.PathValue("name"))
	if err != nil {
		return jobForm{}, err
	}
	path := at("jobs", j.Name)
	p := jobForm{was: j, appOfForm: q.appOfForm(), formPage: formPage{
		Heading: "Edit " + j.Name, Action: path + "/edit", Send: "Save", Back: path, Crumbs: []crumb{{"Jobs", Prefix + "jobs"}, {j.Name, path}, {Name: "Edit"}},
		Lead: "The cloud shows no values of parameters: what is left empty stays as it is.",
	}}
	p.instead(q, j.App, j.Version)
	p.of.Kept = j.Params
	if s := j.Sealed; s != nil {
		p.of.Sealed = s.Params
		p.Lead += " What is sealed (" + strings.Join(s.Params, ", ") + ") is changed by tccloud job edit --seal."
	}
	p.Seen = digestOfJob(j)
	err = p.edit(q, &p.formPage, appChoice{Path: path + "/edit", Range: true}, isJob, p.fill)
	return p, err
}

// fill makes the fields, for what the Job is now, and reads what was sent.
func (p *jobForm) fill(q *request) error {
	if err := p.find(q, &p.formPage); err != nil {
		return err
	}
	at, err := q.places()
	if err != nil {
		return err
	}
	j := p.was
	what := []form.Field{at.environment(j.Environment)}
	when := scheduleFields(j)
	if j.Name == "" {
		what = append([]form.Field{nameField("")}, what...)
		when = append(when, form.Field{Name: "paused", Kind: form.Check, Label: "Do not run it by the schedule yet"})
	}
	var unused []form.Field
	if j.Unused != nil {
		unused = []form.Field{{Name: "unset", Kind: form.Several, Label: "Remove", Options: form.Options(j.Unused...)}}
	}
	p.Form = form.New(
		form.Group{Fields: what},
		form.Group{Title: "Parameters", Fields: form.Params(p.app, p.of)},
		form.Group{Title: "Stored, and not used by the App", Fields: unused},
		form.Group{Title: "When it runs", Fields: when},
		form.Group{Title: "When a run fails", Fold: true, Fields: []form.Field{
			{Name: "retries", Kind: form.Number, Label: "Try again", Unit: "times; never after exit code 4", Max: jobs.MaxRetries, Value: strconv.Itoa(j.Retries), Says: []string{"retries"}},
			{Name: "retry_delay", Kind: form.Duration, Label: "How long after it", Unit: "such as 90s, 30m or 2h", Max: int64(jobs.MaxRetryDelay / time.Second), Value: form.DurationText(time.Duration(j.RetryDelayMS) * time.Millisecond), Says: []string{"retry delay"}},
			notifyField(j),
		}},
		form.Group{Title: "Where, for how long, and limits", Fold: true, Fields: append([]form.Field{at.server(j.Server), timeoutField(j.TimeoutMS), priorityField(j.Priority)}, limitFields(j.Limits)...)},
	)
	q.fillIn(p.Form)
	return nil
}

// zones are proposals: any name of the IANA database can be filled in.
var zones = []string{
	"America/Chicago", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo",
	"Australia/Sydney", "Europe/Berlin", "Europe/London", "Europe/Paris", "UTC",
}

// scheduleFields ask for a schedule. One that the other fields have no words for is written as text.
func scheduleFields(j v1.Job) []form.Field {
	kind, rest, _ := strings.Cut(j.Schedule, " ")
	switch kind {
	case "":
		kind = "demand"
	case "every":
	case "once":
		if _, err := time.Parse("2006-01-02T15:04", rest); err != nil {
			kind, rest = "cron", j.Schedule
		}
	default:
		kind, rest = "cron", j.Schedule
	}
	text := func(of string) string {
		if kind == of {
			return rest
		}
		return ""
	}
	return []form.Field{
		{Name: "when", Kind: form.Radio, Label: "It runs", Value: kind, Options: []form.Option{
			{Value: "demand", Label: "On demand only"},
			{Value: "every", Label: "Every so often", Fields: []form.Field{{
				Name: "every", Kind: form.Edit, Label: "Every", Required: true, Value: text("every"), Hint: "15m", Options: form.Options("5m", "15m", "1h", "6h", "24h"),
				Note: "Such as 90s, 15m or 6h.", Says: []string{"every ", "duration"},
			}}},
			{Value: "cron", Label: "At times of day", Fields: []form.Field{{
				Name: "cron", Kind: form.Edit, Label: "Times", Required: true, Value: text("cron"), Hint: "30 2 * * 1-5", Options: form.Options("@hourly", "@daily", "@weekly", "@monthly", "30 2 * * *", "0 6 * * 1-5"),
				Note: "As for cron: minute, hour, day of the month, month, day of the week. Or @hourly, @daily, @weekly, @monthly.", Says: []string{"schedule"},
			}}},
			{Value: "once", Label: "Once", Fields: []form.Field{{Name: "once", Kind: form.Time, Label: "At", Required: true, Value: text("once"), Says: []string{`time "`, "never comes"}}}},
		}},
		{Name: "zone", Kind: form.Edit, Label: "Time zone", Unit: "empty: UTC", Value: j.Zone, Hint: "Europe/Berlin", Options: form.Options(zones...), Says: []string{"time zone"}},
		{Name: "missed", Kind: form.Choice, Label: "Runs that were due while the cloud was down", Required: true, Value: string(j.Missed), Options: []form.Option{
			{Value: string(jobs.Skip), Label: "Are skipped"}, {Value: string(jobs.Once), Label: "Are made good by one run"},
		}},
	}
}

// scheduleIn is the schedule that was filled in.
func scheduleIn(f *form.Form) string {
	switch kind := f.Value("when"); kind {
	case "every", "once":
		return kind + " " + f.Value(kind)
	case "cron":
		return f.Value(kind)
	}
	return ""
}

// notifyField asks where failures are told. What the Job has is not shown: it is often a secret.
func notifyField(j v1.Job) form.Field {
	f := form.Field{Name: "notify", Kind: form.Radio, Label: "Failures and missed runs", Value: "nobody", Options: []form.Option{
		{Value: "nobody", Label: "Are told to nobody"},
		{Value: "url", Label: "Are posted to a URL", Note: "as JSON", Fields: []form.Field{{Name: "notify_url", Kind: form.Secret, Label: "URL", Required: true, Note: "It is not shown again.", Says: []string{"failures are told"}}}},
		{Value: jobs.Command, Label: "Are told by the cloud's program", Note: "of tccloud serve --job-command"},
	}}
	if j.Notify {
		f.Value = "keep"
		f.Options = slices.Insert(f.Options, 0, form.Option{Value: "keep", Label: "Are told as they are now"})
	}
	return f
}

func notifyIn(f *form.Form) string {
	switch how := f.Value("notify"); how {
	case "url":
		return strings.TrimSpace(f.Value("notify_url"))
	case jobs.Command:
		return how
	}
	return ""
}

// digestOfJob tells whether somebody changed a Job while the form was open.
func digestOfJob(j v1.Job) string {
	j.Takes, j.Unused, j.Sealed, j.Next, j.Run, j.Left, j.History = "", nil, nil, time.Time{}, nil, nil, nil
	return digestOf(j)
}

func loadNewJob(q *request) (any, error) {
	p, err := newJobForm(q)
	return p.formPage, err
}

func loadEditJob(q *request) (any, error) {
	p, err := editJobForm(q)
	return p.formPage, err
}

func createJob(q *request) (done, error) {
	p, err := newJobForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	j, err := q.cloud.CreateJob(q.Context(), v1.NewJob{
		Name: p.Value("name"), Environment: p.Value("environment"), Server: wire.ServerXID(p.Value("server")), App: p.app.Name, Version: p.version,
		Params: p.Params(p.app, p.of), TimeoutMS: p.Duration("timeout").Milliseconds(), Priority: new(priorityIn(p.Form)), Limits: limitsIn(p.Form),
		Schedule: scheduleIn(p.Form), Zone: p.Value("zone"), Paused: p.Checked("paused"), Missed: jobs.Missed(p.Value("missed")),
		Retries: int(p.Number("retries")), RetryDelayMS: p.Duration("retry_delay").Milliseconds(), Notify: notifyIn(p.Form),
	})
	if err != nil {
		return done{}, err
	}
	return done{say: "Job " + j.Name + " was created." + runsNext(j), to: "jobs/" + url.PathEscape(j.Name)}, nil
}

// runsNext says when a Job runs.
func runsNext(j v1.Job) string {
	if j.Next.IsZero() {
		return " It runs on demand only."
	}
	return " It runs next at " + when(j.Next) + "."
}

func editJob(q *request) (done, error) {
	p, err := editJobForm(q)
	if err == nil {
		err = p.complete(q)
	}
	if err != nil {
		return done{}, err
	}
	was := p.was
	change := v1.ChangeJob{Params: p.Params(p.app, p.of), Unset: slices.Concat(p.Dropped(p.of), p.Chosen("unset"))}
	limits := limitsIn(p.Form)
	differs(&change.Environment, was.Environment, p.Value("environment"))
	differs(&change.Server, was.Server, wire.ServerXID(p.Value("server")))
	differs(&change.App, was.App, p.name)
	differs(&change.Version, was.Version, p.version)
	differs(&change.TimeoutMS, was.TimeoutMS, p.Duration("timeout").Milliseconds())
	differs(&change.Priority, *cmp.Or(was.Priority, new(defaultPriority)), priorityIn(p.Form))
	differs(&change.MemoryMB, was.Limits.MemoryMB, limits.MemoryMB)
	differs(&change.Tasks, was.Limits.Tasks, limits.Tasks)
	differs(&change.CPUWeight, was.Limits.CPUWeight, limits.CPUWeight)
	differs(&change.Schedule, was.Schedule, scheduleIn(p.Form))
	differs(&change.Zone, was.Zone, p.Value("zone"))
	differs(&change.Missed, was.Missed, jobs.Missed(p.Value("missed")))
	differs(&change.Retries, was.Retries, int(p.Number("retries")))
	differs(&change.RetryDelayMS, was.RetryDelayMS, p.Duration("retry_delay").Milliseconds())
	if p.Value("notify") != "keep" && (was.Notify || p.Value("notify") != "nobody") {
		change.Notify = new(notifyIn(p.Form))
	}
	j, err := q.cloud.ChangeJob(q.Context(), was.Name, change)
	if err != nil {
		return done{}, err
	}
	return done{say: "Job " + j.Name + " was changed." + runsNext(j), to: "jobs/" + url.PathEscape(j.Name)}, nil
}
