package console_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// with is a form with other values.
func with(form url.Values, changes ...string) url.Values {
	changed := maps.Clone(form)
	for i := 0; i+1 < len(changes); i += 2 {
		changed[changes[i]] = []string{changes[i+1]}
	}
	return changed
}

// atField returns what is said at the field that has the name.
func atField(body, name string) string {
	_, rest, _ := strings.Cut(body, `name="`+name+`"`)
	tag, rest, _ := strings.Cut(rest, ">")
	id := regexp.MustCompile(`aria-describedby="(f-\d+-about)"`).FindStringSubmatch(tag)
	if id == nil {
		return ""
	}
	_, rest, _ = strings.Cut(rest, `id="`+id[1]+`">`)
	said, _, _ := strings.Cut(rest, "</p>")
	return said
}

var jobValues = url.Values{
	"app": {formApp}, "version": {"2.0.0"}, "name": {" nightly "}, "environment": {"lab"}, "p.token": {"s3cret-token"}, "p.level": {"info"},
	"p.kinds": {"Host", "URL"}, "p.dry": {"true"}, "p." + hostile: {hostile}, "p.last": {"x"}, "when": {"cron"}, "cron": {"30 2 * * *"}, "every": {"rubbish"}, "zone": {"Europe/Berlin"},
	"missed": {"once"}, "paused": {"true"}, "retries": {"3"}, "retry_delay": {"90s"}, "notify": {"url"}, "notify_url": {"https://hooks.invalid/s3cret-hook"},
	"server": {twinXID}, "timeout": {"10"}, "priority": {"0"}, "memory_mb": {"512"}, "tasks": {"64"}, "cpu_weight": {"200"},
}

// TestCreateJob: what was filled in is the Job; what an App has by itself is left to it.
func TestCreateJob(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	if body := text(t, r.get(c, "new-job")); !strings.Contains(body, `<option value="`+formApp+`"`) || strings.Contains(body, `<option value="Plain"`) || strings.Contains(body, `method="post" action="/console/new-job"`) {
		t.Errorf("choosing the App:\n%s", body)
	}
	if body := text(t, r.get(c, "new-job?app="+url.QueryEscape(formApp)+"&version=9.x")); !strings.Contains(body, "Choose another one.") || !strings.Contains(body, `value="9.x"`) || strings.Contains(body, `method="post" action="/console/new-job"`) {
		t.Errorf("a version that is not there:\n%s", body)
	}
	res := r.post(c, "new-job", jobValues)
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != "/console/jobs/nightly" {
		t.Fatalf("creating: %s to %q\n%s", res.Status, to, text(t, res))
	}
	got := r.api.newJob
	if len(got.Params) != 2 || got.Params["token"] != "s3cret-token" || got.Params["last"] != "x" {
		t.Errorf("parameters %q", got.Params)
	}
	priority := got.Priority
	got.Params, got.Priority = nil, nil
	want := v1.NewJob{
		Name: "nightly", Environment: "lab", Server: twinXID, App: formApp, Version: "2.0.0", TimeoutMS: 600_000, Limits: wire.Limits{MemoryMB: 512, Tasks: 64, CPUWeight: 200},
		Schedule: "30 2 * * *", Zone: "Europe/Berlin", Paused: true, Missed: jobs.Once, Retries: 3, RetryDelayMS: 90_000, Notify: "https://hooks.invalid/s3cret-hook",
	}
	if !equal(got, want) || priority == nil || *priority != 0 {
		t.Errorf("the API was asked for %+v", got)
	}
	for form, want := range map[*url.Values]string{
		new(with(jobValues, "when", "every", "every", "15m")):            "every 15m",
		new(with(jobValues, "when", "once", "once", "2030-12-24T18:00")): "once 2030-12-24T18:00",
		new(with(jobValues, "when", "demand")):                           "",
	} {
		if res := r.post(c, "new-job", *form); res.StatusCode != http.StatusSeeOther || r.api.newJob.Schedule != want {
			t.Errorf("%s, schedule %q; want %q", res.Status, r.api.newJob.Schedule, want)
		}
	}
}

// TestJobProblems: what is wrong is said at its field, by the form or by the cloud, with what was filled
// in but for secrets.
func TestJobProblems(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	for _, tt := range []struct{ field, value, say string }{
		{"name", " ", "required"}, {"environment", "", "required"}, {"p.token", "", "required"}, {"p.level", hostile, "none of its values"}, {"cron", "", "required"},
		{"retries", "11", "from 0 to 10"}, {"retries", "1e3", "from 0 to 10"}, {"retry_delay", "soon", "such as 90s"}, {"retry_delay", "25h", "to 24h"}, {"timeout", "0.5s", "from 1s to 168h"},
		{"priority", "-1", "from 0 to 9"}, {"memory_mb", "1", "from 16"}, {"tasks", "99999999999999999999", "from 8"}, {"notify_url", "", "required"}, {"missed", "never", "none of its values"},
	} {
		r.api.asked = nil
		res := r.post(c, "new-job", with(jobValues, tt.field, tt.value))
		body := text(t, res)
		if got := atField(body, tt.field); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got, tt.say) || len(r.api.asked) > 0 {
			t.Errorf("%s %q: %s, %q is said", tt.field, tt.value, res.Status, got)
		}
		for _, bad := range []string{"s3cret", "<img src=x"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: the page has %q", tt.field, bad)
			}
		}
		for _, kept := range []string{`value="Europe/Berlin"`, `value="x"`, `value="` + twinXID + `" selected`, `name="p.dry" value="true" checked`, "is to be filled in again"} {
			if !strings.Contains(body, kept) && tt.field != "p.token" {
				t.Errorf("%s: %q was not kept", tt.field, kept)
			}
		}
	}
	for message, field := range map[string]string{
		`the Job is not valid: name "x y": use 1–64 letters`: "name", `the Job is not valid: time zone "Mars" is unknown`: "zone", `the Job is not valid: schedule "x": no`: "cron",
		`App "TC - Feed" needs parameter "region"`: "p.region", `environment "lab" is not active`: "environment", `there is a Job of that name already`: "name",
		`failures are told to a URL of the form https://host/path`: "notify_url", hostile: "",
	} {
		r.api.refuses = &v1.Error{Status: http.StatusBadRequest, Code: v1.CodeBadRequest, Message: message}
		res := r.post(c, "new-job", jobValues)
		body := text(t, res)
		if n := strings.Count(body, `aria-invalid="true"`); res.StatusCode != http.StatusBadRequest || (n == 1) != (field != "") || field != "" && !strings.Contains(atField(body, field), `class="wrong"`) || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: %s, %d fields are marked", message, res.Status, n)
		}
	}
}

// TestEditJob: what is left as it is does not change, and what the cloud does not show stays.
func TestEditJob(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	seen := func() string {
		_, rest, _ := strings.Cut(text(t, r.get(c, "jobs/alerts/edit")), `name="seen" value="`)
		s, _, _ := strings.Cut(rest, `"`)
		return s
	}
	same := url.Values{
		"seen": {seen()}, "app": {formApp}, "version": {"2.0.0"}, "environment": {"lab"}, "server": {"7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a10"}, "when": {"every"}, "every": {"15m"},
		"zone": {"Europe/Berlin"}, "missed": {"skip"}, "retries": {"3"}, "retry_delay": {"1m30s"}, "notify": {"keep"}, "timeout": {"10m"}, "memory_mb": {"512"}, "p." + hostile: {""},
	}
	body := text(t, r.get(c, "jobs/alerts/edit"))
	for _, want := range []string{
		`value="every" checked`, `name="every" value="15m"`, `value="keep" checked`, `value="10m"`, `value="1m30s"`, `value="512"`, `placeholder="Stays as it is"`, `name="drop.p.dry"`,
		`<option value="" selected>As it is</option><option value="true">`, `name="unset" value="gone"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has not %q", want)
		}
	}
	if res := r.post(c, "jobs/alerts/edit", same); res.StatusCode != http.StatusSeeOther || !equal(r.api.changedJob, v1.ChangeJob{}) {
		t.Errorf("nothing was changed: %s, the API was asked for %+v", res.Status, r.api.changedJob)
	}
	res := r.post(c, "jobs/alerts/edit", with(same, "when", "demand", "memory_mb", "", "notify", "nobody", "p.level", "debug", "drop.p.dry", "on", "unset", "gone", "p.region", "eu"))
	got := r.api.changedJob
	if res.StatusCode != http.StatusSeeOther || *got.Schedule != "" || *got.MemoryMB != 0 || *got.Notify != "" || !maps.Equal(got.Params, map[string]string{"level": "debug", "region": "eu"}) || !slices.Equal(got.Unset, []string{"dry", "gone"}) || got.Zone != nil || got.App != nil {
		t.Errorf("%s, the API was asked for %+v", res.Status, got)
	}
	if body := text(t, r.get(c, "jobs/alerts/edit")); strings.Contains(body, "drop.p.token") {
		t.Error("what the App needs can be removed")
	}
	if r.post(c, "jobs/alerts/edit", with(same, "drop.p.token", "on")); r.api.changedJob.Unset != nil {
		t.Errorf("what the App needs was removed: %+v", r.api.changedJob)
	}
	r.api.jobs[0].Retries, r.api.asked = 5, nil
	res = r.post(c, "jobs/alerts/edit", same)
	if body := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || len(r.api.asked) > 0 || !strings.Contains(body, "Somebody changed it") || strings.Contains(body, same.Get("seen")) {
		t.Errorf("somebody else changed it: %s, the API was asked for %v", res.Status, r.api.asked)
	}
	if body := text(t, r.get(c, "jobs/once/edit")); !strings.Contains(body, "Choose another one.") || strings.Contains(body, `method="post" action="/console/jobs/once/edit"`) {
		t.Errorf("a Job whose App is gone:\n%s", body)
	}
}
