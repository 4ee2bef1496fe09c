package test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/browser"
	"tcenvsvr/test/need"
)

// fill writes into a field of a page.
func fill(b *browser.Browser, selector, text string) {
	b.Do(fmt.Sprintf("document.querySelector(%q).value = %q", selector, text))
}

// send sends the form that a selector names, as its button would.
func send(b *browser.Browser, selector string) {
	b.Leave(fmt.Sprintf("document.querySelector(%q).requestSubmit()", selector))
}

// TestConsole does in a browser what an administrator does: signs in by the link of the first start,
// creates an Environment, downloads a bundle and sees the server come, go, and be cloned. The pages are
// on the broker's port as well as on the API's.
func TestConsole(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c, err := s.StartCloud(s.ctx, "cloud")
	s.must(err, "starting the cloud")
	b := browser.Open(t)
	at := "https://" + c.Broker + "/console/"

	b.Visit(at + "servers")
	if got := b.Value("location.pathname"); got != "/console/signin" {
		t.Fatalf("without a session the browser is at %s", got)
	}
	link, err := os.ReadFile(filepath.Join(c.Data, "first-user.link"))
	s.must(err, "reading the link of the first start")
	_, secret, _ := strings.Cut(strings.TrimSpace(string(link)), "/console/link/")
	password := rand.Text()
	b.Visit(at + "link/" + secret)
	fill(b, "[name=name]", "ada")
	fill(b, "[name=password]", password)
	fill(b, "[name=again]", password)
	send(b, "form")
	b.Until(`document.body.innerText.includes("Three steps to the first App")`, time.Minute)

	fill(b, "#create [name=name]", "lab")
	send(b, "#create form")
	b.Until(`location.pathname == "/console/environments/lab" && document.body.innerText.includes("was created")`, time.Minute)

	b.Downloads(s.Dir)
	fill(b, "#download [name=name]", "scanner")
	b.Do(`document.querySelector("#download form").requestSubmit()`)
	bundle := filepath.Join(s.Dir, "threatconnect-envsvr-bundle.zip")
	s.eventually("downloading the bundle", func() error { _, err := os.Stat(bundle); return err })

	// The card turns green by itself, and yellow when the server is lost.
	b.Visit(at)
	b.Until(`document.querySelector("[data-key=lab]").dataset.state == "yellow"`, time.Minute)
	a := s.Home("scanner")
	key := a.Home + "-masterkey"
	s.must(os.WriteFile(key, []byte(rand.Text()), 0o600), "writing the master password")
	_, err = a.Do(s.ctx, "enroll", bundle, "--yes", "--master-key-file", key)
	s.must(err, "enrolling by the bundle")
	clone, err := a.Copy("clone")
	s.must(err, "copying the home")
	s.start(a, "--appsRunner", "none")
	b.Until(`document.querySelector("[data-key=lab]").dataset.state == "green"`, time.Minute)
	a.Kill()
	lost := time.Now()
	b.Until(`document.querySelector("[data-key=lab]").innerText.includes("Active, no server connected")`, time.Minute)
	t.Logf("the loss of a server was shown after %s", time.Since(lost).Round(time.Millisecond))

	// A clone is said, with both hosts and what to do.
	s.start(a, "--appsRunner", "none")
	b.Visit(at + "servers")
	b.Until(`document.querySelector("tbody tr").dataset.state == "green"`, time.Minute)
	s.must(clone.Start("--appsRunner", "none"), "starting the clone")
	b.Until(`document.querySelector("tbody tr").innerText.includes("2 hosts run as this server")`, 2*time.Minute)
	b.Leave(`document.querySelector("tbody a").click()`)
	if text := b.Text(); !strings.Contains(text, "hosts run with the identity of this server") || strings.Count(text, "Keep this one") != 2 {
		t.Errorf("the page of the server says\n%s", text)
	}

	// Who has signed out is out, in the API as well.
	b.Leave(`document.querySelector(".wide form.who").requestSubmit()`)
	b.Visit(at)
	if got := b.Value("location.pathname"); got != "/console/signin" {
		t.Errorf("after signing out the browser is at %s", got)
	}

	// A user who is removed is out as well, and sees it without doing anything. The other port shows the
	// same pages.
	_, err = c.Do(s.ctx, "user", "create", "vic", "--role", "viewer")
	s.must(err, "creating a user")
	out, err := c.Do(s.ctx, "user", "link", "vic")
	s.must(err, "making a link")
	_, secret, _ = strings.Cut(strings.TrimSpace(out), "/console/link/")
	at = c.URL + "/console/"
	b.Visit(at + "link/" + strings.Fields(secret)[0])
	send(b, "form")
	if text := b.Text(); !strings.Contains(text, "lab") || strings.Contains(text, "Create Environment") {
		t.Errorf("a viewer sees\n%s", text)
	}
	_, err = c.Do(s.ctx, "user", "rm", "vic")
	s.must(err, "removing the user")
	b.Until(`document.body.innerText.includes("Your session has ended")`, time.Minute)
	audited, err := c.Do(s.ctx, "audit", "--json")
	s.must(err, "asking for the audit log")
	for _, want := range []string{`"ada"`, "POST /api/admin/v1/environments", `"one-time link"`, `"127.0.0.1"`} {
		if !strings.Contains(audited, want) {
			t.Errorf("the audit log has no %s:\n%s", want, audited)
		}
	}
	if strings.Contains(audited, password) {
		t.Error("the audit log has the password")
	}
}
