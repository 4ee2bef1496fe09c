package console_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/test/browser"
)

// open opens a browser in which a user with the role has signed in.
func (r *rig) open(role access.Role) *browser.Browser {
	r.Helper()
	b := browser.Open(r.T)
	u, err := url.Parse(r.server.URL)
	if err != nil {
		r.Fatal(err)
	}
	c := r.signedIn(role).Jar.Cookies(u)[0]
	b.Cookie(r.server.URL, c.Name, c.Value)
	return b
}

// looks are the windows in which every page has to be right. What a telephone shows in the dark is a
// part of what a wide window does.
var looks = []struct {
	width int64
	dark  bool
}{{1280, false}, {1280, true}, {390, false}}

// dialogs are what opens on a page.
const dialogs = `[...document.querySelectorAll("dialog")].map(d => d.id).join()`

// TestInBrowser: no page makes the browser complain, has a barrier, is wider than a telephone, or
// lets hostile text act.
func TestInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	b := r.open(access.Administrator)
	paths := append([]string{"none", "signin"}, everyPage...)
	for _, path := range paths {
		b.Visit(r.url(path))
		b.Forgive("404 (Not Found)") // of the page itself
		if live := b.Value("document.body.dataset.live || ''"); live != "" {
			b.Until(`document.querySelector("[data-live-problem]").hidden`, 10*time.Second)
		}
	}
	if n := b.Value(`document.querySelectorAll("img[src=x]").length`); n != "0" {
		t.Errorf("%s images of hostile text", n)
	}
	for _, look := range looks {
		b := r.open(access.Administrator) // each has its own time
		b.WithoutPolicy()
		b.Look(look.width, look.dark)
		for _, path := range paths {
			b.Visit(r.url(path))
			where := fmt.Sprintf("%q at %d, dark %t", path, look.width, look.dark)
			r.faultless(b, where)
			for _, id := range strings.FieldsFunc(b.Value(dialogs), func(c rune) bool { return c == ',' }) {
				b.Do(`document.getElementById("` + id + `").showPopover()`)
				r.faultless(b, where+", "+id)
				b.Do(`document.getElementById("` + id + `").hidePopover()`)
			}
			b.Forgive("404 (Not Found)")
		}
	}
}

// faultless finds barriers, and what sticks out of the window.
func (r *rig) faultless(b *browser.Browser, where string) {
	r.Helper()
	for _, found := range b.Barriers() {
		r.Errorf("%s: %s", where, found)
	}
	if wide := b.Value("document.documentElement.scrollWidth > innerWidth"); wide == "true" {
		r.Errorf("%s: the page is %s wide", where, b.Value("document.documentElement.scrollWidth"))
	}
}

// TestLive: what changes is seen without loading the page again: a state, a new row, and one that is
// gone.
func TestLive(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	b := r.open(access.Viewer)
	b.Visit(r.url(""))
	b.Until(`document.querySelector("[data-key=staging]").dataset.state == "yellow"`, 10*time.Second)
	b.Do("window.same = true")
	r.api.change(func() {
		r.api.environments[2].Connected = 1
		e := r.api.environments[0]
		e.Name = "new"
		r.api.environments = append(r.api.environments[:3:3], e)
	})
	b.Until(`document.querySelector("[data-key=staging]").dataset.state == "green"`, 3*time.Second)
	b.Until(`document.querySelector("[data-key=staging]").innerText.includes("Active, 1 server connected")`, time.Second)
	b.Until(`document.querySelector("[data-key=new] a").getAttribute("href") == "/console/environments/new" && document.querySelector("[data-key=new]").innerText.startsWith("new")`, time.Second)
	b.Until(`!document.querySelector("[data-key=archive]")`, time.Second)
	environments := r.api.environments
	r.api.change(func() { r.api.environments = nil })
	b.Until(`document.querySelector("[data-listed]").hidden && !document.querySelector("main [data-key]")`, 3*time.Second)
	r.api.change(func() { r.api.environments = environments })
	b.Until(`document.querySelector("[data-key=staging] .state").innerText.includes("Active, 1 server") && !document.querySelector("[data-listed]").hidden`, 3*time.Second)
	jobs := r.api.jobs
	r.api.change(func() { r.api.jobs = nil })
	b.Visit(r.url("jobs"))
	b.Until(`!document.querySelector("[data-empty]").hidden`, time.Second)
	r.api.change(func() { r.api.jobs = jobs })
	b.Until(`document.querySelector("[data-empty]").hidden && document.querySelector("tbody [data-key=alerts] a").getAttribute("href") == "/console/jobs/alerts"`, 3*time.Second)
	b.Visit(r.url("environments/lab"))
	last := `[...document.querySelectorAll("[data-chart=messages] rect")].pop()`
	before := b.Value(last + `.getAttribute("height")`)
	r.api.change(func() { r.api.hours[719].Messages = 1000 })
	b.Until(last+`.getAttribute("height") == "100" && `+last+`.textContent.endsWith(": 1\u202f000")`, 10*time.Second)
	if before == "100" || b.Value(`[...document.querySelectorAll("[data-values=messages]")].pop().textContent`) != "1\u202f000" {
		t.Errorf("the last bar was %s high; the table's last cell is %s", before, b.Value(`[...document.querySelectorAll("[data-values=messages]")].pop().textContent`))
	}
	b.Visit(r.url("servers"))
	r.api.change(func() { r.api.servers[0].Name, r.api.servers[0].Session.Info.Load1 = hostile+"2", 6 })
	b.Until(`document.querySelector("[data-key$='5a10'] th").innerText == `+jsText(hostile+"2"), 3*time.Second)
	b.Until(`document.querySelector("[data-key$='5a10'] [data-bar=cpu_share] rect").getAttribute("width") == "75"`, time.Second)
	r.api.change(func() { r.api.fails = &v1.Error{Status: 500, Code: v1.CodeUnwell, Message: "the disk is full"} })
	b.Until(`document.querySelector("[data-live-problem]").innerText.includes("The disk is full")`, 3*time.Second)
	r.api.change(func() { r.api.fails = nil })
	b.Until(`document.querySelector("[data-live-problem]").hidden`, 3*time.Second)
	if same := b.Value("window.same"); same == "true" {
		t.Error("the test did not go to another page")
	}
	r.accounts.end("viewer")
	b.Until(`document.querySelector("[data-live-problem]").innerText.includes("session has ended")`, 10*time.Second)
}

// TestLiveExecutions: a new execution is the first row, lines come to a log while one looks, and what
// an execution ended with is seen by itself.
func TestLiveExecutions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	b := r.open(access.Operator)
	b.Visit(r.url("executions"))
	first := `document.querySelector("tbody").firstElementChild`
	b.Until(`document.querySelector("[data-live-problem]").hidden && `+first+`.dataset.key == `+jsText(runningID), 10*time.Second)
	r.api.change(func() {
		e := r.api.executions[0]
		e.ID, e.App.Name, e.Created = "0196a0b0-0000-7000-8000-000000001000", hostile, e.Created.Add(time.Minute)
		r.api.executions = append([]v1.Execution{e}, r.api.executions...)
	})
	b.Until(first+`.innerText.startsWith(`+jsText(hostile)+`) && `+first+`.querySelector("a").getAttribute("href").endsWith("1000")`, 5*time.Second)
	b.Until(`document.querySelectorAll("tbody tr").length == 51 && !`+first+`.querySelector("time").textContent.includes("UTC")`, time.Second)

	b.Visit(r.url("executions/" + runningID))
	b.Until(`document.querySelector("[data-log-state]").textContent == "Live"`, 10*time.Second)
	r.api.change(func() {
		r.api.log = append(r.api.log, v1.Chunk{Attempt: 1, Stream: "stderr", Data: []byte(hostile + "\n")})
	})
	b.Until(`document.querySelector("#L1501 span").textContent == `+jsText(hostile)+` && document.querySelector("[data-log-count]").textContent == "1501 lines"`, 5*time.Second)
	b.Until(`(l => l.scrollHeight - l.scrollTop - l.clientHeight < 40)(document.querySelector(".log"))`, time.Second)
	r.api.change(func() { r.api.executions[1].State, r.api.executions[1].Ended = "succeeded", true })
	b.Until(`!document.querySelector("[data-follow]") && document.querySelector("[data-key]").dataset.state == "green" && !!document.querySelector("#L1501")`, 10*time.Second)
	b.Visit(r.url("executions/" + failedID + "?line=700#L700"))
	b.Until(`(r => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector("#L700").getBoundingClientRect())`, 5*time.Second)
}

// TestPolling: where no WebSocket gets through, the page asks instead, and says so.
func TestPolling(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	r := filled(t)
	r.noSockets.Store(true)
	b := r.open(access.Viewer)
	b.Visit(r.url(""))
	b.Until(`document.querySelector("[data-live-problem]").innerText.includes("asks every 5 seconds")`, 30*time.Second)
	r.api.change(func() { r.api.environments[2].Connected = 1 })
	b.Until(`document.querySelector("[data-key=staging]").dataset.state == "green"`, 15*time.Second)
	b.Forgive("WebSocket connection")
}

// TestPictures takes pictures of every page, for who works on them.
func TestPictures(t *testing.T) {
	dir := os.Getenv("CONSOLE_PICTURES")
	if dir == "" {
		t.Skip("CONSOLE_PICTURES names no folder")
	}
	r := filled(t)
	b := r.open(access.Administrator)
	for _, look := range looks {
		b.Look(look.width, look.dark)
		for i, path := range everyPage {
			b.Visit(r.url(path))
			b.Picture(filepath.Join(dir, fmt.Sprintf("%d-%d-%t.png", i, look.width, look.dark)))
		}
	}
}

func jsText(s string) string { return fmt.Sprintf("%q", s) }
