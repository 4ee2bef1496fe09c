package test

import (
	"time"

	"tcenvsvr/test/browser"
	"tcenvsvr/test/stage"
)

// formsOf makes and changes in a browser what an operator makes, and looks at it by the command line.
func (s *scene) formsOf(b *browser.Browser, c *stage.Cloud, at string) {
	s.t.Helper()
	_, err := c.Do(s.ctx, "env", "create", "lab")
	s.must(err, "creating an Environment")
	s.add(c, "sleep", "service-webhook")
	chosen := func(app string) {
		fill(b, "[name=app]", app)
		send(b, "form.choose")
	}
	const form = "form.form[method=post]"

	b.Visit(at + "new-job")
	chosen("Test_-_Sleep")
	fill(b, "[name=name]", "nightly")
	fill(b, "[name=environment]", "lab")
	fill(b, "[name='p.marker_file']", "here")
	b.Do(`document.querySelector("[name=when][value=cron]").click()`)
	fill(b, "[name=cron]", "61 * * * *")
	send(b, form)
	b.Forgive("400 (Bad Request)")
	if got := b.Value(`document.querySelector("[name=cron]").value + document.querySelector("[aria-invalid]").name`); got != "61 * * * *cron" {
		s.t.Errorf("a schedule that is none: the field has %q\n%s", got, b.Text())
	}
	fill(b, "[name=cron]", "30 2 * * *")
	fill(b, "[name=zone]", "Europe/Berlin")
	send(b, form)
	b.Until(`location.pathname == "/console/jobs/nightly" && document.body.innerText.includes("Job nightly was created. It runs next at")`, time.Minute)
	b.Visit(at + "jobs/nightly/edit")
	fill(b, "[name=memory_mb]", "256")
	send(b, form)
	var job struct {
		Schedule string         `json:"schedule"`
		Zone     string         `json:"zone"`
		Params   []string       `json:"params"`
		Limits   map[string]int `json:"limits"`
	}
	s.must(c.JSON(s.ctx, &job, "job", "show", "nightly"), "looking at the Job")
	if job.Schedule != "30 2 * * *" || job.Zone != "Europe/Berlin" || len(job.Params) != 1 || job.Limits["memory_mb"] != 256 {
		s.t.Errorf("the Job is %+v", job)
	}

	b.Visit(at + "new-service")
	chosen("Test_-_Webhook_Service")
	fill(b, "[name=name]", "hooks")
	fill(b, "[name=environment]", "lab")
	send(b, form)
	b.Until(`location.pathname == "/console/services/hooks"`, time.Minute)
	b.Visit(at + "services/hooks/trigger")
	fill(b, "[name=name]", "ticket")
	fill(b, "[name='t.trigger_input']", "x")
	send(b, form)
	hook := b.Value(`document.getElementById("made").innerText`)
	if command := b.Value(`document.getElementById("curl").innerText`); command != "curl --data 'hello' '"+hook+"'" {
		s.t.Errorf("the command is %q", command)
	}
	by := s.callers(c)
	if known, unknown := s.call(by, "POST", hook, "", nil), s.call(by, "POST", hook+"x", "", nil); known.status == 404 || unknown.status != 404 {
		s.t.Errorf("calling %q: %d, and another one: %d", hook, known.status, unknown.status)
	}
}
