package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/test/browser"
	"tcenvsvr/test/oidc"
)

// begun begins a single sign-on and returns where the provider sends the browser back to, below Prefix.
func (r *rig) begun(c *http.Client, at *oidc.Provider, next string) string {
	r.Helper()
	res := r.get(c, "sso?"+url.Values{"next": {next}}.Encode())
	to := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, at.URL) {
		r.Fatalf("beginning: %s to %q", res.Status, to)
	}
	return strings.TrimPrefix(at.Browse(r, to).String(), r.server.URL+console.Prefix)
}

// TestSignOn: who signs in at the provider has a session, at both gateways, and comes to the page that was
// asked for, and to no other site.
func TestSignOn(t *testing.T) {
	at := oidc.Start(t)
	r := newRigBy(t, at)
	at.Now(false, map[string]any{"sub": "operator"})
	c := r.browser()
	if body := text(t, r.get(c, "signin?next=%2Fconsole%2Fapps")); !strings.Contains(body, `href="/console/sso?next=%2fconsole%2fapps"`) || !strings.Contains(body, "Sign in with Example &lt;Inc&gt;") || !strings.Contains(body, `name="password"`) {
		t.Errorf("the page to sign in:\n%s", body)
	}
	u, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	planted := []*http.Cookie{{Name: "__Host-tccloud", Value: "planted", Path: "/", Secure: true}, {Name: "__Host-tccloud-sso", Value: "planted", Path: "/", Secure: true}}
	for next, want := range map[string]string{
		"/console/apps?q=a": "/console/apps?q=a", "": "/console/", "https://evil.invalid/console/": "/console/", "//evil.invalid": "/console/", `/console/\..\evil`: "/console/", "/console/sso/callback?state=x": "/console/",
	} {
		c = r.browser()
		c.Jar.SetCookies(u, planted)
		back := r.begun(c, at, next)
		for _, k := range c.Jar.Cookies(u) {
			if strings.Contains(back, k.Value) {
				t.Errorf("the provider was told the cookie %s", k.Name)
			}
		}
		res := r.get(c, back)
		if got := res.Header.Get("Refresh"); res.StatusCode != http.StatusOK || got != "0; url="+want || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("next %q: %s to %q; want %q", next, res.Status, got, want)
		}
		set := map[string]*http.Cookie{}
		for _, k := range res.Cookies() {
			set[k.Name] = k
		}
		session, flow := set["__Host-tccloud"], set["__Host-tccloud-sso"]
		if session == nil || session.Value == "planted" || session.SameSite != http.SameSiteStrictMode || flow == nil || flow.MaxAge >= 0 || flow.SameSite != http.SameSiteLaxMode || !flow.Secure || !flow.HttpOnly {
			t.Errorf("cookies %v", res.Cookies())
		}
		for range 2 { // gateways
			if body := text(t, r.get(c, "account")); !strings.Contains(body, "single sign-on") || !strings.Contains(body, "operator") {
				t.Errorf("signed in as\n%s", body)
			}
		}
		if res := r.get(c, "sso?next="+url.QueryEscape("/console/apps")); res.Header.Get("Location") != "/console/apps" {
			t.Errorf("who is signed in is sent to %q", res.Header.Get("Location"))
		}
	}
	if res := r.post(c, "signout", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("signing out: %s", res.Status)
	}
	if res := r.get(c, "account"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("signed out: %s", res.Status)
	}
}

// TestForeignAnswers: what one browser began no other one ends, and none ends twice; nobody who fails is
// signed in, or signed out of what they were signed in to.
func TestForeignAnswers(t *testing.T) {
	at := oidc.Start(t)
	r := newRigBy(t, at)
	at.Now(false, map[string]any{"sub": "operator"})
	attacker, victim := r.browser(), r.browser()
	back := r.begun(attacker, at, "")
	r.begun(victim, at, "")
	refused := func(c *http.Client, what, path, want string, status int) {
		t.Helper()
		res := r.get(c, path)
		if body := text(t, res); res.StatusCode != status || !strings.Contains(body, want) || !strings.Contains(body, `name="password"`) {
			t.Errorf("%s: %s\n%s", what, res.Status, body)
		}
		if res := r.get(c, "account"); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: signed in", what)
		}
	}
	const again = "in another browser"
	refused(victim, "somebody else's answer", back, again, http.StatusBadRequest)
	refused(r.browser(), "an answer that nobody asked for", back, again, http.StatusBadRequest)
	refused(r.browser(), "no answer", "sso/callback", again, http.StatusBadRequest)
	if res := r.get(attacker, back); res.StatusCode != http.StatusOK {
		t.Fatalf("one's own answer: %s", res.Status)
	}
	if res := r.get(attacker, back); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the same answer twice: %s", res.Status)
	}
	if res := r.get(attacker, "account"); res.StatusCode != http.StatusOK {
		t.Errorf("the session after that: %s", res.Status)
	}
	// A cookie that was kept is worth nothing after the answer that it was for.
	c := r.browser()
	back = r.begun(c, at, "")
	u, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	kept := c.Jar.Cookies(u)
	if res := r.get(c, back); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	thief := r.browser()
	thief.Jar.SetCookies(u, kept)
	refused(thief, "a kept cookie", back, again, http.StatusBadRequest)

	at.Now(false, map[string]any{"sub": hostile})
	c = r.browser()
	res := r.get(c, r.begun(c, at, ""))
	if body := text(t, res); res.StatusCode != http.StatusForbidden || !strings.Contains(body, "are no user of this cloud") || strings.Contains(body, "<img src=x") {
		t.Errorf("who is no user: %s\n%s", res.Status, body)
	}
	if why := strings.Join(r.accounts.refused, "\n"); strings.Count(why, again) < 5 {
		t.Errorf("what was refused is not noted:\n%s", why)
	}
}

// TestSignOnDown: without its provider a cloud says so, and lets in who has a password.
func TestSignOnDown(t *testing.T) {
	at := oidc.Start(t)
	r := newRigBy(t, at)
	at.Stop()
	c := r.browser()
	res := r.get(c, "sso?next=/console/apps")
	body := text(t, res)
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "Example &lt;Inc&gt; cannot be reached") || !strings.Contains(body, "sign in with a password") || !strings.Contains(body, `value="/console/apps"`) || strings.Contains(body, "localhost") {
		t.Errorf("%s\n%s", res.Status, body)
	}
	if res := r.post(c, "signin", url.Values{"name": {"viewer"}, "password": {"viewer"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("by password: %s", res.Status)
	}
	for range mostAttempts {
		res = r.get(r.browser(), "sso")
	}
	if body := text(t, res); res.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, "Too many tries") {
		t.Errorf("after %d tries: %s\n%s", mostAttempts, res.Status, body)
	}
}

// TestSignOnElsewhere: a sign-in begins at the host where it ends, which is the only one that sees its
// cookie, and whatever a visitor calls the host.
func TestSignOnElsewhere(t *testing.T) {
	at := oidc.Start(t)
	r := newRigBy(t, at)
	for host, moved := range map[string]bool{"gateway-2.example": true, "evil.invalid:62000": true, "127.0.0.1": false, "127.0.0.1:62000": false} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url("sso?next=%2Fconsole%2Fapps"), nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host = host
		res, err := r.browser().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		to := res.Header.Get("Location")
		if want := r.server.URL + sso.BeginPath + "?moved=1&next=%2Fconsole%2Fapps"; moved && to != want || !moved && !strings.HasPrefix(to, at.URL) {
			t.Errorf("at %s: to %q", host, to)
		}
	}
}

// TestNoSignOn: a cloud without a provider offers none.
func TestNoSignOn(t *testing.T) {
	r := newRig(t)
	if body := text(t, r.get(r.browser(), "signin")); strings.Contains(body, "sso") {
		t.Errorf("the page to sign in:\n%s", body)
	}
	for _, path := range []string{"sso", "sso/callback?code=x&state=y"} {
		if res := r.get(r.signedIn(access.Viewer), path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

// TestSignInBrowser: the page to sign in has no barrier, alone, with what went wrong, and of a link.
func TestSignInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it starts a browser")
	}
	at := oidc.Start(t)
	r := newRigBy(t, at)
	b := browser.Open(t)
	b.WithoutPolicy()
	for i, look := range looks {
		b.Look(look.width, look.dark)
		for _, path := range []string{"signin", "sso/callback", "link/first"} {
			b.Visit(r.url(path))
			r.faultless(b, path)
			if dir := os.Getenv("CONSOLE_PICTURES"); dir != "" {
				b.Picture(filepath.Join(dir, fmt.Sprintf("%s-%d.png", strings.ReplaceAll(path, "/", "-"), i)))
			}
		}
	}
	b.Forgive("400 (Bad Request)") // of the answer that nobody asked for
}
