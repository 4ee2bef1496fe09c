package test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/browser"
	"tcenvsvr/test/stage"
)

// TestConsolePeople does in two browsers what people are let in by: an administrator makes a user, the
// link that is shown once signs them in, they set a variable, fill in the forms of Jobs, services and
// triggers, change their password, and see no page of administrators; what they did is in the audit log, what they typed is nowhere.
func TestConsolePeople(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newScene(t)
	c, err := s.StartCloud(s.ctx, "cloud")
	s.must(err, "starting the cloud")
	at := c.URL + "/console/"
	link, err := os.ReadFile(filepath.Join(c.Data, "first-user.link"))
	s.must(err, "reading the link of the first start")
	_, secret, _ := strings.Cut(strings.TrimSpace(string(link)), "/console/link/")
	passwords := []string{rand.Text(), rand.Text(), rand.Text()}
	ada, bob := browser.Open(t), browser.Open(t)

	ada.Visit(at + "link/" + secret)
	fill(ada, "[name=name]", "ada")
	fill(ada, "[name=password]", passwords[0])
	fill(ada, "[name=again]", passwords[0])
	send(ada, "form")
	ada.Visit(at + "users")
	fill(ada, "#create [name=name]", "bob")
	fill(ada, "#create [name=role]", "operator")
	send(ada, "#create form")
	_, secret, made := strings.Cut(ada.Value(`document.getElementById("made").innerText`), "/console/link/")
	if !made {
		t.Fatalf("no link is shown:\n%s", ada.Text())
	}

	bob.Visit(at + "link/" + secret)
	fill(bob, "[name=password]", passwords[1])
	fill(bob, "[name=again]", passwords[1])
	send(bob, "form")
	if parts := bob.Value(`document.querySelector(".wide nav").textContent`); strings.Contains(parts, "Users and tokens") || !strings.Contains(parts, "Variables") {
		t.Errorf("an operator is led to\n%s", parts)
	}
	bob.Visit(at + "users")
	bob.Forgive("403 (Forbidden)")
	if text := bob.Text(); !strings.Contains(text, "needs the role administrator") {
		t.Errorf("an operator sees of users\n%s", text)
	}
	content := rand.Text()
	bob.Visit(at + "variables")
	fill(bob, "#set [name=id]", "9f1c")
	fill(bob, "#set [name=data]", content)
	send(bob, "#set form")
	if text := bob.Text(); !strings.Contains(text, "Variable TC 9f1c was set") || strings.Contains(text, content) {
		t.Errorf("after a variable was set\n%s", text)
	}
	s.formsOf(bob, c, at)
	bob.Visit(at + "account")
	fill(bob, "[name=old]", passwords[1])
	fill(bob, "[name=password]", passwords[2])
	fill(bob, "[name=again]", passwords[2])
	send(bob, "form.column")
	if text := bob.Text(); !strings.Contains(text, "Your password was changed") {
		t.Errorf("after the password was changed\n%s", text)
	}

	ada.Visit(at + "users/bob")
	ada.Leave(`document.querySelector("#disable form").requestSubmit()`)
	bob.Visit(at)
	if got := bob.Value("location.pathname"); got != "/console/signin" {
		t.Errorf("who was disabled is at %s", got)
	}
	ada.Visit(at + "audit")
	ada.Until(`document.querySelector("tbody").innerText.includes("PATCH users/bob")`, time.Minute)
	audited := ada.Text()
	for _, want := range []string{"POST users", "PUT variables/TC/9f1c", "sign in", "change password"} {
		if !strings.Contains(audited, want) {
			t.Errorf("the audit log has no %s:\n%s", want, audited)
		}
	}
	for _, never := range append(passwords, content, secret) {
		if strings.Contains(audited, never) {
			t.Error("the audit log has what was typed")
		}
	}
}

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
