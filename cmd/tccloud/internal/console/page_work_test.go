package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// TestVariableContent: what a variable holds reaches the API as it was typed, and no page has it: not
// the next one, and not the one that says why it was not taken.
func TestVariableContent(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	form := url.Values{"source": {"TC"}, "id": {" 9f1c "}, "data": {"-----BEGIN KEY-----\r\nhush&%\r\n"}}
	res := r.post(c, "variables", form)
	if got := r.api.content; res.StatusCode != http.StatusSeeOther || got != "-----BEGIN KEY-----\nhush&%\n" {
		t.Errorf("setting: %s; the API got %q", res.Status, got)
	}
	if body := text(t, r.get(c, "variables")); !strings.Contains(body, "Variable TC 9f1c was set.") || strings.Contains(body, "hush") {
		t.Errorf("afterwards:\n%s", body)
	}
	form.Set("id", "bad")
	res = r.post(c, "variables", form)
	if body := text(t, res); res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "data-open") || !strings.Contains(body, `value="bad"`) || strings.Contains(body, "hush") || strings.Contains(body, "<img src=x") {
		t.Errorf("one that is refused: %s\n%s", res.Status, body)
	}
	r.api.asked = nil
	for _, path := range []string{"variables", "variables/remove"} {
		for _, name := range [][2]string{{"..", ".."}, {"TC", "a/../b"}, {"TC", ""}, {hostile, hostile}} {
			res := r.post(c, path, url.Values{"source": {name[0]}, "id": {name[1]}, "data": {"x"}})
			if res.StatusCode != http.StatusUnprocessableEntity || len(r.api.asked) > 0 {
				t.Errorf("%s of %q: %s, the API was asked for %v", path, name, res.Status, r.api.asked)
			}
		}
	}
}

// TestAuditPages: every entry is on one of the pages, the newest first, and the last one leads no
// further.
func TestAuditPages(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	path, seen := "audit", 0
	for pages := 1; ; pages++ {
		body := text(t, r.get(c, path))
		seen += strings.Count(body, "<tr data-state")
		if pages == 1 && (!strings.Contains(body, "POST executions 130.") || strings.Contains(body, "POST executions 129.")) {
			t.Error("the first page has not the newest 100")
		}
		_, after, more := strings.Cut(body, `href="/console/audit?before=`)
		if !more {
			if pages != 3 || seen != 230 {
				t.Errorf("%d pages with %d entries", pages, seen)
			}
			break
		}
		id, _, _ := strings.Cut(after, `"`)
		path = "audit?before=" + id
	}
	if res := r.get(c, "audit?before="+url.QueryEscape(hostile)); res.StatusCode != http.StatusBadRequest || strings.Contains(text(t, res), "<img src=x") {
		t.Errorf("a cursor that is none: %s", res.Status)
	}
}

// TestServiceChanges: each button asks for what it says.
func TestServiceChanges(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Operator)
	for path, want := range map[string]struct{ running, restart bool }{"start": {running: true}, "stop": {}, "restart": {restart: true}} {
		r.api.changed = v1.ChangeService{}
		r.post(c, "services/hook/"+path, nil)
		got := r.api.changed
		if got.Restart != want.restart || (got.Running == nil) != want.restart || got.Running != nil && *got.Running != want.running {
			t.Errorf("%s asked for %+v", path, got)
		}
	}
}

// TestLiveWork: states of Jobs and services are seen to change, on their lists and on their pages.
func TestLiveWork(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	b := r.open(access.Viewer)
	for _, path := range []string{"services", "services/old"} {
		b.Visit(r.url(path))
		b.Until(`document.querySelector("[data-key=old] .state").innerText == "Stopped"`, 10*time.Second)
		r.api.change(func() { r.api.services[1].Phase, r.api.services[1].Restarts = services.Ready, 4 })
		b.Until(`document.querySelector("[data-key=old]").dataset.state == "green" && document.querySelector("[data-key=old] [data-field=restarts]").innerText == "4"`, 3*time.Second)
		r.api.change(func() { r.api.services[1].Phase = services.Stopped })
	}
	for _, path := range []string{"jobs", "jobs/daily-block-list"} {
		b.Visit(r.url(path))
		b.Until(`document.querySelector("[data-key=daily-block-list] .state").innerText == "Waits for its time"`, 10*time.Second)
		r.api.change(func() { r.api.jobs[1].Paused = true })
		b.Until(`document.querySelector("[data-key=daily-block-list]").dataset.state == "grey"`, 3*time.Second)
		r.api.change(func() { r.api.jobs[1].Paused = false })
	}
}

// TestMadeInBrowser: a secret can be copied, and reloading the page makes no other one.
func TestMadeInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	b := r.open(access.Administrator)
	b.Visit(r.url("users/ann"))
	b.Leave(`document.querySelector("form[action$='/link'] button").click()`)
	b.Until(`document.getElementById("made")?.innerText == `+jsText(secret), 10*time.Second)
	b.Until(`!document.querySelector("[data-copy]").hidden && location.pathname == "/console/users/ann"`, 10*time.Second)
	b.WithoutPolicy()
	r.faultless(b, "a secret that was made")
	b.Leave(`location.reload()`)
	b.Until(`document.readyState == "complete" && !document.getElementById("made")`, 10*time.Second)
	if n := len(r.api.asked); n != 1 {
		t.Errorf("%d links were made", n)
	}
}
