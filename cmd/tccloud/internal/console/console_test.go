package console_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console"
)

// text reads an answer.
func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everyPage are paths of pages, of things that filled makes.
var everyPage = append([]string{
	"", "account", "environments/lab", "environments/production", "environments/lab?hours=720", "servers", "servers?q=scanner", "servers?q=" + url.QueryEscape(hostile),
	"servers/" + twinXID, "servers/7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a14", "servers/7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a11",
	"executions", "executions?q=none", "executions?state=failed&app=" + url.QueryEscape(hostile) + "&server=x&within=24h", "executions?cursor=50",
	"executions/" + runningID, "executions/" + failedID, "executions/" + failedID + "?line=700&find=" + url.QueryEscape("<img"),
	"apps", "apps/" + url.PathEscape(formApp), "apps/" + url.PathEscape(formApp) + "?version=1.0.0",
	"apps/" + url.PathEscape(formApp) + "/run", "apps/" + url.PathEscape(formApp) + "/run?again=" + failedID,
}, append(workPages, administratorPages...)...)

// formPages are those of everyPage that are a form, which viewers are refused.
var formPages = regexp.MustCompile(`/run\b|^new-|/edit\b|/trigger\b`)

// TestPages: every page is whole for every role, nothing in it is markup that others wrote, and it
// loads nothing from elsewhere.
func TestPages(t *testing.T) {
	r := filled(t)
	for _, role := range access.Roles {
		c := r.signedIn(role)
		for _, path := range everyPage {
			res := r.get(c, path)
			body := text(t, res)
			if role != access.Administrator && slices.Contains(administratorPages, path) || role == access.Viewer && formPages.MatchString(path) {
				if res.StatusCode != http.StatusForbidden {
					t.Errorf("%s, %q: %s", role, path, res.Status)
				}
				continue
			}
			if res.StatusCode != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
				t.Errorf("%s, %q: %s\n%s", role, path, res.Status, body)
			}
			for _, bad := range []string{"<img src=x", "<script>", "javascript:", " style=", " onclick=", "http://", "ZgotmplZ", "<no value>"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s, %q: the page has %q in it", role, path, bad)
				}
			}
			if got := strings.Contains(body, `method="post"`) && strings.Contains(body, "<dialog"); role == access.Viewer && got {
				t.Errorf("%q offers a viewer what only others may do", path)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%q: %s is %q; want %q", path, name, got, want)
				}
			}
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "require-trusted-types-for 'script'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%q: policy %q", path, csp)
			}
		}
	}
}

// TestSignIn: who has not signed in, or signed in wrongly, sees the sign-in page and nothing else;
// from there one comes to the page that was asked for, and to no other site.
func TestSignIn(t *testing.T) {
	r := filled(t)
	c := r.browser()
	res := r.get(c, "servers?q=a")
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != "/console/signin?next=%2Fconsole%2Fservers%3Fq%3Da" {
		t.Errorf("without a session: %s to %q", res.Status, to)
	}
	if len(res.Cookies()) > 0 {
		t.Error("who has not signed in got a session")
	}
	for _, form := range []url.Values{{"name": {"viewer"}, "password": {"wrong"}}, {}, {"name": {hostile}, "password": {"x"}}} {
		res := r.post(c, "signin", form)
		if body := text(t, res); res.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "password is wrong") || strings.Contains(body, "<img src=x") {
			t.Errorf("%v: %s\n%s", form, res.Status, body)
		}
	}
	for next, want := range map[string]string{
		"/console/servers?q=a": "/console/servers?q=a", "": "/console/", "https://evil.invalid/console/": "/console/", "//evil.invalid/console/": "/console/",
		`/console/\..\..\evil`: "/console/", "/other": "/console/", "/console/signout": "/console/", "javascript:alert(1)": "/console/",
	} {
		res := r.post(r.browser(), "signin", url.Values{"name": {"viewer"}, "password": {"viewer"}, "next": {next}})
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("signing in with next %q: %s to %q; want %q", next, res.Status, got, want)
		}
	}
}

// TestSession: its token changes when somebody signs in, its cookie is hidden from everybody else, and
// it ends with signing out and with the user.
func TestSession(t *testing.T) {
	r := filled(t)
	u, err := url.Parse(r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	planted := &http.Cookie{Name: "__Host-tccloud", Value: "planted-by-an-attacker", Path: "/", Secure: true}
	c := r.browser()
	c.Jar.SetCookies(u, []*http.Cookie{planted})
	res := r.post(c, "signin", url.Values{"name": {"viewer"}, "password": {"viewer"}})
	if len(res.Cookies()) != 1 {
		t.Fatalf("signing in set %v", res.Cookies())
	}
	first := res.Cookies()[0]
	if first.Value == planted.Value || !first.Secure || !first.HttpOnly || first.SameSite != http.SameSiteStrictMode || first.Domain != "" || first.Path != "/" {
		t.Errorf("cookie %v", first)
	}
	res = r.post(c, "signin", url.Values{"name": {"operator"}, "password": {"operator"}})
	if second := res.Cookies()[0]; second.Value == first.Value {
		t.Error("the session of one user became that of another")
	}
	before := r.browser()
	before.Jar.SetCookies(u, []*http.Cookie{first})
	if res := r.get(before, ""); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the session before: %s", res.Status)
	}
	if res := r.get(c, ""); res.StatusCode != http.StatusOK {
		t.Fatalf("signed in: %s", res.Status)
	}
	kept := c.Jar.Cookies(u)
	if res := r.post(c, "signout", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("signing out: %s", res.Status)
	}
	c.Jar.SetCookies(u, kept)
	if res := r.get(c, ""); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the cookie after signing out: %s", res.Status)
	}
	c = r.signedIn(access.Administrator)
	r.accounts.end("administrator")
	if res := r.get(c, ""); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the session of a user who is gone: %s", res.Status)
	}
}

// TestLinks: a one-time link is not used up by looking at it.
func TestLinks(t *testing.T) {
	r := filled(t)
	c := r.browser()
	if res := r.get(c, "link/used"); res.StatusCode != http.StatusGone {
		t.Errorf("a link that was used: %s", res.Status)
	}
	if body := text(t, r.get(c, "link/first")); !strings.Contains(body, "first administrator") || !strings.Contains(body, `name="again"`) {
		t.Errorf("the first link shows\n%s", body)
	}
	res := r.post(c, "link/first", url.Values{"name": {"ann"}, "password": {"one"}, "again": {"other"}})
	if body := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "not the same") || !strings.Contains(body, `value="ann"`) {
		t.Errorf("two passwords: %s\n%s", res.Status, body)
	}
	if res := r.post(c, "link/good", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a good link: %s", res.Status)
	}
	if res := r.get(c, ""); res.StatusCode != http.StatusOK {
		t.Errorf("after it: %s", res.Status)
	}
}

// TestForeignForms: what another site's page sends is refused, whatever cookies come with it.
func TestForeignForms(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.invalid"}}, {"Origin": {"null"}},
	} {
		for _, path := range []string{"signin", "signout", "link/good", "environments", "environments/lab/delete", "environments/lab/bundle", "servers/" + twinXID + "/revoke", "executions/" + runningID + "/cancel", "apps", "apps/Plain/run", "apps/Plain/remove", "new-job", "jobs/alerts/edit", "new-service", "services/hook/edit", "services/hook/trigger", "releases", "release-rollout", "release-choice"} {
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url(path), strings.NewReader("name=x&confirm=lab"))
			if err != nil {
				t.Fatal(err)
			}
			q.Header = header.Clone()
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := c.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %v: %s", path, header, res.Status)
			}
		}
	}
	if len(r.api.asked) > 0 {
		t.Errorf("the API was asked for %v", r.api.asked)
	}
}

// TestRoles: an action that a role may not do does not even reach the API, and what reaches it comes
// from the user.
func TestRoles(t *testing.T) {
	r := filled(t)
	for _, tt := range []struct {
		path string
		form url.Values
		role access.Role // the least that may
		want string      // of the API
	}{
		{"environments", url.Values{"name": {"new"}}, access.Administrator, "POST environments"},
		{"environments/lab/deactivate", nil, access.Administrator, "PATCH environments/lab"},
		{"environments/lab/activate", nil, access.Administrator, ""},
		{"environments/lab/delete", url.Values{"confirm": {"lab"}}, access.Administrator, "DELETE environments/lab"},
		{"environments/lab/bundle", url.Values{"kind": {"env"}}, access.Administrator, "POST environments/lab/bundle"},
		{"servers/" + twinXID + "/rename", url.Values{"name": {"other"}}, access.Operator, "PATCH servers/" + twinXID},
		{"servers/" + twinXID + "/drain", url.Values{"hours": {"2"}}, access.Operator, "POST servers/" + twinXID + "/drain"},
		{"servers/" + twinXID + "/resume", nil, access.Operator, "POST servers/" + twinXID + "/resume"},
		{"servers/" + twinXID + "/restart", nil, access.Operator, "POST servers/" + twinXID + "/control"},
		{"servers/" + twinXID + "/update", nil, access.Operator, "POST servers/" + twinXID + "/control"},
		{"servers/" + twinXID + "/level", url.Values{"level": {"debug"}}, access.Operator, "POST servers/" + twinXID + "/control"},
		{"servers/" + twinXID + "/revoke", nil, access.Administrator, "POST servers/" + twinXID + "/revoke"},
		{"apps/Plain/remove", url.Values{"version": {"1.0"}}, access.Operator, "DELETE apps/Plain/1.0"},
		{"apps/Plain/run", url.Values{"id": {runningID}, "environment": {"lab"}}, access.Operator, "POST executions"},
		{"executions/" + runningID + "/cancel", nil, access.Operator, "POST executions/" + runningID + "/cancel"},
		{"servers/revoke", url.Values{"days": {"30"}, "server": {twinXID}}, access.Administrator, "POST servers/revoke"},
		{"servers/" + twinXID + "/keep", url.Values{"host": {"a1@10.20.0.15"}}, access.Administrator, "POST servers/" + twinXID + "/keep"},
		{"new-job", url.Values{"app": {"TC - Feed"}, "version": {"1.0.0"}, "name": {"x"}, "environment": {"lab"}, "when": {"demand"}, "missed": {"skip"}, "notify": {"nobody"}}, access.Operator, "POST jobs"},
		{"jobs/alerts/run", nil, access.Operator, "POST jobs/alerts/run"},
		{"jobs/alerts/pause", nil, access.Operator, "PATCH jobs/alerts"},
		{"jobs/alerts/resume", nil, access.Operator, "PATCH jobs/alerts"},
		{"jobs/alerts/remove", nil, access.Operator, "DELETE jobs/alerts"},
		{"services/hook/start", nil, access.Operator, "PATCH services/hook"},
		{"services/hook/stop", nil, access.Operator, "PATCH services/hook"},
		{"services/hook/restart", nil, access.Operator, "PATCH services/hook"},
		{"new-service", url.Values{"app": {"Lookup"}, "name": {"x"}, "environment": {"lab"}}, access.Operator, "POST services"},
		{"services/hook/remove", nil, access.Operator, "DELETE services/hook"},
		{"services/lookup/token", nil, access.Operator, "POST services/lookup/token"},
		{"services/hook/trigger", url.Values{"name": {"x"}, "t.secret": {"x"}}, access.Operator, "POST services/hook/triggers"},
		{"services/hook/triggers/daily/remove", nil, access.Operator, "DELETE services/hook/triggers/daily"},
		{"releases/stable/halt", nil, access.Administrator, "POST releases/rollouts/stable/halt"},
		{"releases/packages/p.rpm/remove", nil, access.Administrator, "DELETE releases/packages/p.rpm"},
		{"release-rollout", url.Values{"channel": {"beta"}, "version": {"1.5.0"}, "percent": {"1"}, "sure": {"true"}}, access.Administrator, "PUT releases/rollouts/beta"},
		{"release-choice", url.Values{"for": {"environment:lab"}, "sure": {"true"}}, access.Administrator, "POST releases/choices"},
		{"variables", url.Values{"source": {"TC"}, "id": {"9f1c"}, "data": {"x"}}, access.Operator, "PUT variables/TC/9f1c"},
		{"variables/remove", url.Values{"source": {"TC"}, "id": {"9f1c"}}, access.Operator, "DELETE variables/TC/9f1c"},
		{"users", url.Values{"name": {"bob"}, "role": {"viewer"}}, access.Administrator, "POST users"},
		{"users/ann/link", nil, access.Administrator, "POST users/ann/link"},
		{"users/ann/role", url.Values{"role": {"viewer"}}, access.Administrator, "PATCH users/ann"},
		{"users/ann/disable", nil, access.Administrator, "PATCH users/ann"},
		{"users/zoe/enable", nil, access.Administrator, "PATCH users/zoe"},
		{"users/ann/remove", nil, access.Administrator, "DELETE users/ann"},
		{"tokens", url.Values{"name": {"ci"}, "role": {"viewer"}, "days": {"1"}}, access.Administrator, "POST tokens"},
		{"tokens/t1/revoke", nil, access.Administrator, "DELETE tokens/t1"},
	} {
		for _, role := range access.Roles {
			r.api.asked, r.api.by = nil, nil
			res := r.post(r.signedIn(role), tt.path, tt.form)
			if !role.Allows(tt.role) {
				if res.StatusCode != http.StatusForbidden || len(r.api.asked) > 0 {
					t.Errorf("%s as %s: %s, the API was asked for %v", tt.path, role, res.Status, r.api.asked)
				}
				continue
			}
			if res.StatusCode >= http.StatusBadRequest {
				t.Errorf("%s as %s: %s\n%s", tt.path, role, res.Status, text(t, res))
			}
			if tt.want != "" && !slices.Contains(r.api.asked, tt.want) {
				t.Errorf("%s as %s asked the API for %v; want %s", tt.path, role, r.api.asked, tt.want)
			}
			for _, p := range r.api.by {
				if p.Name != string(role) || p.Role != role {
					t.Errorf("%s as %s was asked for by %+v", tt.path, role, p)
				}
			}
		}
	}
}

// TestActions: what was done is said once, on the next page; what failed is said where the form is,
// with what was filled in.
func TestActions(t *testing.T) {
	r := filled(t)
	c := r.signedIn(access.Administrator)
	res := r.post(c, "environments", url.Values{"name": {"new"}})
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != console.Prefix+"environments/new" {
		t.Fatalf("creating: %s to %q", res.Status, got)
	}
	for i, want := range []bool{true, false} {
		if got := strings.Contains(text(t, r.get(c, "environments/new")), "was created"); got != want {
			t.Errorf("page %d says that it was created: %t; want %t", i, got, want)
		}
	}
	res = r.post(c, "environments", url.Values{"name": {"lab"}, "owner": {hostile}})
	body := text(t, res)
	if res.StatusCode != http.StatusConflict || !strings.Contains(body, "exists") || !strings.Contains(body, `value="lab"`) || !strings.Contains(body, "data-open") || strings.Contains(body, "<img src=x") {
		t.Errorf("a name that is taken: %s\n%s", res.Status, body)
	}
	if res := r.post(c, "environments/lab/delete", url.Values{"confirm": {"la"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("deleting with another name: %s", res.Status)
	}
	if res := r.get(c, "environments/none"); res.StatusCode != http.StatusNotFound {
		t.Errorf("an Environment that is not there: %s", res.Status)
	}
	if res := r.get(c, "none"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a page that is not there: %s", res.Status)
	}
	res = r.post(c, "environments/lab/bundle", url.Values{"kind": {"env"}})
	if got := res.Header.Get("Content-Disposition"); text(t, res) != "PK" || got != `attachment; filename="bundle.zip"` || res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("a download: %v", res.Header)
	}
}

// TestTraversal: assets are the files that are meant, and nothing else.
func TestTraversal(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"assets/", "assets/x/style.css", "assets/../console.go", "assets/%2e%2e/%2e%2e/etc/passwd", "assets/..%2f..%2fetc%2fpasswd"} {
		if res := r.get(r.browser(), path); res.StatusCode == http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}
