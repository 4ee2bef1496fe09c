package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console"
)

// TestOnce: a secret that was made is in the answer to the form, and in nothing after it.
func TestOnce(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	for _, tt := range []struct {
		path, page string
		form       url.Values
	}{
		{"users", "users", url.Values{"name": {"bob"}, "role": {"viewer"}}},
		{"users/ann/link", "users/ann", nil},
		{"tokens", "users", url.Values{"name": {"ci"}, "role": {"operator"}, "days": {"30"}, "environment": {"lab"}}},
	} {
		res := r.post(c, tt.path, tt.form)
		body := text(t, res)
		if res.StatusCode != http.StatusOK || strings.Count(body, "link/once-") != 1 || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: %s\n%s", tt.path, res.Status, body)
		}
		if want := `data-made="` + console.Prefix + tt.page + `"`; !strings.Contains(body, want) || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: reloading does not lead to the page, or the secret is kept: %v", tt.path, res.Header)
		}
		if strings.Contains(body, `value="bob"`) || strings.Contains(body, `value="ci"`) {
			t.Errorf("%s: the form is filled in still", tt.path)
		}
		for _, later := range []string{tt.page, tt.page} {
			if strings.Contains(text(t, r.get(c, later)), "link/once-") {
				t.Errorf("%s shows the secret of %s again", later, tt.path)
			}
		}
	}
	if q := r.api.token; q.Name != "ci" || q.Role != access.Operator || q.ValidSeconds != 30*86400 || !slices.Equal(q.Environments, []string{"lab"}) {
		t.Errorf("the API was asked for %+v", q)
	}
}

// TestTokenDays: a token without an end is none that the console asks for.
func TestTokenDays(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	for _, days := range []string{"", "0", "-1", "1e9", "99999999999999999999", "1831"} {
		res := r.post(c, "tokens", url.Values{"name": {"ci"}, "role": {"operator"}, "days": {days}, "environment": {"lab"}})
		if body := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `<dialog id="create-token" popover aria-labelledby="create-token-title" data-open>`) || !strings.Contains(body, `value="ci"`) || !strings.Contains(atField(body, "days"), "wrong") || !strings.Contains(body, `value="operator" selected`) || !strings.Contains(body, `name="environment" value="lab" checked`) {
			t.Errorf("%q days: %s", days, res.Status)
		}
	}
	if len(r.api.asked) > 0 {
		t.Errorf("the API was asked for %v", r.api.asked)
	}
}

// TestOwnPassword: who changes it knows the one before, and gets a session with a new token; a try
// that fails says why.
func TestOwnPassword(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Viewer)
	u, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Jar.Cookies(u)[0].Value
	for _, tt := range []struct{ old, password, again, want string }{
		{"viewer", "one of twelve", "another of twelve", "not the same"},
		{"wrong", "one of twelve", "one of twelve", "present password is wrong"},
		{"viewer", "short", "short", "less than 12 bytes"},
	} {
		res := r.post(c, "account/password", url.Values{"old": {tt.old}, "password": {tt.password}, "again": {tt.again}})
		if body := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, tt.want) || strings.Contains(body, tt.password) {
			t.Errorf("%+v: %s\n%s", tt, res.Status, body)
		}
	}
	if now := c.Jar.Cookies(u)[0].Value; now != before {
		t.Error("a try that failed began another session")
	}
	res := r.post(c, "account/password", url.Values{"old": {"viewer"}, "password": {"one of twelve"}, "again": {"one of twelve"}})
	if now := c.Jar.Cookies(u)[0].Value; res.StatusCode != http.StatusSeeOther || now == before {
		t.Errorf("changing it: %s, the same session token: %t", res.Status, now == before)
	}
	if body := text(t, r.get(c, "account")); !strings.Contains(body, "password was changed") {
		t.Errorf("afterwards:\n%s", body)
	}
	if len(r.api.asked) > 0 {
		t.Errorf("the API was asked for %v", r.api.asked)
	}
}
