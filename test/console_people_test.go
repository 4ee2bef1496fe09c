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
	"tcenvsvr/test/oidc"
)

// byRole are forms of the console, with the least role that may send them.
var byRole = []struct {
	path, form string
	least      int // viewer, operator, administrator
}{
	{"variables", "source=TC&id=of-%s&data=x", 1},
	{"environments", "name=of-%s", 2},
	{"users", "name=by-%s&role=viewer", 2},
}

// mayDo sends the forms as a script would, whatever the pages offer.
func mayDo(t *testing.T, b *browser.Browser, at, role string, rank int) {
	t.Helper()
	for _, f := range byRole {
		b.Do(fmt.Sprintf(`window.answered = ""; fetch(%q, {method: "POST", body: new URLSearchParams(%q)}).then(r => window.answered = r.status)`, at+f.path, fmt.Sprintf(f.form, role)))
		b.Until(`window.answered != ""`, time.Minute)
		want := "200"
		if rank < f.least {
			want = "403"
		}
		if got := b.Value("window.answered"); got != want {
			t.Errorf("%s sends %s: got %s; want %s", role, f.path, got, want)
		}
	}
}

// led compares what the menu leads to, and whether there are forms.
func led(t *testing.T, b *browser.Browser, at, role string, parts, create bool) {
	t.Helper()
	b.Visit(at)
	menu := b.Value(`document.querySelector(".wide nav").textContent`)
	for _, part := range []string{"Users and tokens", "Audit"} {
		if strings.Contains(menu, part) != parts {
			t.Errorf("%s is led to\n%s", role, menu)
		}
	}
	if got := b.Value(`document.querySelector("#create") != null`) == "true"; got != create {
		t.Errorf("%s is offered to create an Environment: %t", role, got)
	}
}

// TestConsolePeople does in two browsers what people are let in by. An administrator makes a user, the
// link that is shown once signs them in, they set a variable, change their password, and see no page
// of administrators. A viewer whose address is known, and a stranger of a group, come by single sign-on
// from a provider that is another site. Each role sees and does what it may; what they did is in the audit
// log, what they typed is nowhere.
func TestConsolePeople(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newScene(t)
	provider := oidc.Start(t)
	ca, key := filepath.Join(s.Dir, "provider.pem"), filepath.Join(s.Dir, "client.secret")
	s.must(os.WriteFile(ca, provider.CA, 0o600), "writing the provider's CA")
	s.must(os.WriteFile(key, []byte(oidc.Secret+"\n"), 0o600), "writing the client's secret")
	c, err := s.StartCloud(s.ctx, "cloud", "--oidc-issuer", provider.URL, "--oidc-client-id", oidc.Client, "--oidc-client-secret-file", key,
		"--oidc-ca-file", ca, "--oidc-name", "Example", "--oidc-role", "cn=ops,ou=x=operator")
	s.must(err, "starting the cloud")
	at := c.URL + "/console/"
	provider.Register(at + "sso/callback")
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
	led(t, ada, at, "administrator", true, true)
	mayDo(t, ada, at, "administrator", 2)

	// signOn goes to a page by way of the provider, and what is there.
	signOn := func(page string, claims map[string]any) {
		provider.Now(true, claims)
		bob.Visit(at + page)
		bob.LeaveFor(`document.querySelector('a[href^="/console/sso"]').click()`, provider.URL)
		bob.LeaveFor(`document.querySelector("a").click()`, at+page)
		bob.Forgive("request to another host: " + provider.URL)
	}
	_, err = c.Do(s.ctx, "user", "create", "vic", "--role", "viewer", "--email", "vic@example.com")
	s.must(err, "creating a user")
	signOn("variables", map[string]any{"sub": "v1", "email": "Vic@example.com", "email_verified": true})
	led(t, bob, at, "viewer", false, false)
	mayDo(t, bob, at, "viewer", 0)
	bob.Leave(`document.querySelector(".wide form.who").requestSubmit()`)
	signOn("account", map[string]any{"sub": "o1", "preferred_username": "Olga", "groups": []string{"cn=ops,ou=x"}})
	if text := bob.Text(); !strings.Contains(text, "olga") || !strings.Contains(text, "single sign-on") {
		t.Errorf("who came by a group sees\n%s", text)
	}
	led(t, bob, at, "operator", false, false)
	mayDo(t, bob, at, "operator", 1)
	bob.Leave(`document.querySelector(".wide form.who").requestSubmit()`)

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
	for _, want := range []string{"POST users", "PUT variables/TC/9f1c", "sign in", "change password", "vic", "olga", "single sign-on"} {
		if !strings.Contains(audited, want) {
			t.Errorf("the audit log has no %s:\n%s", want, audited)
		}
	}
	bob.Forgive("403 (Forbidden)") // the browser says what was refused
	for _, never := range append(passwords, content, secret, oidc.Secret) {
		if strings.Contains(audited, never) {
			t.Error("the audit log has what was typed")
		}
	}
}
