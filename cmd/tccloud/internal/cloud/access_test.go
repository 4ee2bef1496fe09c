package cloud_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// needs says for each route of the admin API which role it needs, and what a token gets that is limited
// to another Environment: "hidden" (not found), "forbidden", or "own" (it sees only its own). A route
// that is not here has been given to nobody on purpose.
var needs = map[string][2]string{
	"GET status":                                {"viewer", "own"},
	"GET environments":                          {"viewer", "own"},
	"POST environments":                         {"administrator", "forbidden"},
	"GET environments/{name}":                   {"viewer", "hidden"},
	"PATCH environments/{name}":                 {"administrator", "hidden"},
	"DELETE environments/{name}":                {"administrator", "hidden"},
	"POST environments/{name}/bundle":           {"administrator", "hidden"},
	"POST environments/{name}/link":             {"administrator", "hidden"},
	"GET environments/{name}/sealing":           {"viewer", "hidden"},
	"GET environments/{name}/history":           {"viewer", "hidden"},
	"GET environments/{name}/metrics/{app}":     {"viewer", "hidden"},
	"GET servers":                               {"viewer", "own"},
	"GET servers/{xid}":                         {"viewer", "hidden"},
	"PATCH servers/{xid}":                       {"operator", "hidden"},
	"POST servers/{xid}/revoke":                 {"administrator", "hidden"},
	"POST servers/revoke":                       {"administrator", "own"},
	"POST servers/{xid}/keep":                   {"administrator", "hidden"},
	"POST servers/{xid}/control":                {"operator", "hidden"},
	"POST servers/{xid}/drain":                  {"operator", "hidden"},
	"POST servers/{xid}/resume":                 {"operator", "hidden"},
	"GET apps":                                  {"viewer", "own"},
	"POST apps":                                 {"operator", "forbidden"},
	"GET apps/{name}":                           {"viewer", "own"},
	"GET apps/{name}/{version}/signature":       {"viewer", "own"},
	"PUT apps/{name}/{version}/signature":       {"operator", "forbidden"},
	"DELETE apps/{name}/{version}":              {"operator", "forbidden"},
	"POST executions":                           {"operator", "own"},
	"POST drafts":                               {"operator", "own"},
	"GET executions":                            {"viewer", "own"},
	"GET executions/{id}":                       {"viewer", "hidden"},
	"POST executions/{id}/cancel":               {"operator", "hidden"},
	"GET executions/{id}/watch":                 {"viewer", "hidden"},
	"GET executions/{id}/logs":                  {"viewer", "hidden"},
	"GET executions/{id}/outputs":               {"viewer", "hidden"},
	"GET executions/{id}/files/{name...}":       {"viewer", "hidden"},
	"GET executions/{id}/artifacts":             {"viewer", "hidden"},
	"GET executions/{id}/artifacts/{n}":         {"viewer", "hidden"},
	"GET executions/{id}/requests":              {"viewer", "hidden"},
	"GET releases":                              {"viewer", "forbidden"},
	"POST releases":                             {"administrator", "forbidden"},
	"PUT releases/packages/{name}":              {"administrator", "forbidden"},
	"DELETE releases/packages/{name}":           {"administrator", "forbidden"},
	"PUT releases/rollouts/{channel}":           {"administrator", "forbidden"},
	"POST releases/rollouts/{channel}/halt":     {"administrator", "forbidden"},
	"POST releases/choices":                     {"administrator", "forbidden"},
	"GET jobs":                                  {"viewer", "own"},
	"POST jobs":                                 {"operator", "own"},
	"GET jobs/{name}":                           {"viewer", "hidden"},
	"PATCH jobs/{name}":                         {"operator", "hidden"},
	"DELETE jobs/{name}":                        {"operator", "hidden"},
	"POST jobs/{name}/run":                      {"operator", "hidden"},
	"GET services":                              {"viewer", "own"},
	"POST services":                             {"operator", "own"},
	"GET services/{name}":                       {"viewer", "hidden"},
	"PATCH services/{name}":                     {"operator", "hidden"},
	"DELETE services/{name}":                    {"operator", "hidden"},
	"POST services/{name}/token":                {"operator", "hidden"},
	"POST services/{name}/triggers":             {"operator", "hidden"},
	"DELETE services/{name}/triggers/{trigger}": {"operator", "hidden"},
	"GET services/{name}/events":                {"viewer", "hidden"},
	"GET variables":                             {"viewer", "forbidden"},
	"PUT variables/{source}/{id}":               {"operator", "forbidden"},
	"DELETE variables/{source}/{id}":            {"operator", "forbidden"},
	"GET users":                                 {"administrator", "forbidden"},
	"POST users":                                {"administrator", "forbidden"},
	"GET users/{name}":                          {"administrator", "forbidden"},
	"PATCH users/{name}":                        {"administrator", "forbidden"},
	"DELETE users/{name}":                       {"administrator", "forbidden"},
	"POST users/{name}/link":                    {"administrator", "forbidden"},
	"GET tokens":                                {"administrator", "forbidden"},
	"POST tokens":                               {"administrator", "forbidden"},
	"DELETE tokens/{id}":                        {"administrator", "forbidden"},
	"GET audit":                                 {"administrator", "forbidden"},
}

// guarded is a cloud with something of each kind in the Environments "lab" and "secret", and tokens.
type guarded struct {
	*running
	https   *http.Client
	ids     map[string]string // by placeholder, of what is in "secret"
	tokens  map[access.Role]string
	limited map[access.Role]string // to "lab"
}

func guard(t *testing.T) *guarded {
	t.Helper()
	c := start(t, t.TempDir())
	must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Organization")), nil, false))(t)
	must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "Svc", "1.0.0", "ApiService")), nil, false))(t)
	g := &guarded{running: c, ids: map[string]string{}, tokens: map[access.Role]string{}, limited: map[access.Role]string{}}
	for _, env := range []string{"lab", "secret"} {
		must(c.CreateEnvironment(t.Context(), env, ""))(t)
		_, xid, err := c.bundle(t.Context(), env, v1.NewBundle{Name: "server-of-" + env})
		if err != nil {
			t.Fatal(err)
		}
		params := map[string]string{"user": "x"}
		run := must(c.Run(t.Context(), v1.NewExecution{Environment: env, App: "App", Params: params}))(t)
		must(c.CreateJob(t.Context(), v1.NewJob{Name: "job-of-" + env, Environment: env, App: "App", Params: params}))(t)
		must(c.CreateService(t.Context(), v1.NewService{Name: "service-of-" + env, Environment: env, App: "Svc", Params: params, Stopped: true}))(t)
		g.ids = map[string]string{"xid": string(xid), "id": string(run.ID), "environments": env, "jobs": "job-of-" + env, "services": "service-of-" + env}
	}
	for _, r := range access.Roles {
		g.tokens[r] = must(c.CreateAPIToken(t.Context(), v1.NewAPIToken{Name: string(r), Role: r}))(t).Secret
		g.limited[r] = must(c.CreateAPIToken(t.Context(), v1.NewAPIToken{Name: string(r) + "-lab", Role: r, Environments: []string{"lab"}}))(t).Secret
	}
	cfg := must(client.Resolve(client.Source{Data: c.dir}))(t)
	g.https = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, ServerName: cfg.ServerName}}}
	return g
}

// ask makes a request with a bearer token and returns status, code and body.
func (g *guarded) ask(token, method, path, body string) (int, string) {
	g.t.Helper()
	r := must(http.NewRequestWithContext(g.t.Context(), method, g.endpoint.URL+v1.Prefix+path, strings.NewReader(body)))(g.t)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res := must(g.https.Do(r))(g.t)
	defer res.Body.Close()
	return res.StatusCode, string(must(io.ReadAll(res.Body))(g.t))
}

var placeholder = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// fill puts values for the placeholders of a pattern: what is in "secret", or nothing that is there.
func (g *guarded) fill(path string, there bool) string {
	collection, _, _ := strings.Cut(path, "/")
	return placeholder.ReplaceAllStringFunc(path, func(p string) string {
		name := placeholder.FindStringSubmatch(p)[1]
		if id := g.ids[name]; id != "" && there {
			return id
		}
		if id := g.ids[collection]; id != "" && there && name == "name" {
			return id
		}
		if name == "id" && collection == "executions" {
			return "00000000-0000-4000-8000-000000000000"
		}
		return "none"
	})
}

// TestEveryRoute: each route of the admin API does for each role what is written above, and nothing
// for those who are nobody.
func TestEveryRoute(t *testing.T) {
	g := guard(t)
	source := must(os.ReadFile("../api/routes.go"))(t)
	patterns := regexp.MustCompile(`pattern: "([^"]+)"`).FindAllSubmatch(source, -1)
	if len(patterns) != len(needs) {
		t.Errorf("there are %d routes, and %d are in the test's table", len(patterns), len(needs))
	}
	nobody := map[string]string{
		"no token": "", "wrong": "x", "empty API token": access.TokenPrefix, "almost": g.tokens[access.Administrator][:20], "a name": "administrator", "hash": fmt.Sprintf("%064x", 0),
	}
	for _, m := range patterns {
		pattern := string(m[1])
		want, ok := needs[pattern]
		if !ok {
			t.Errorf("%s: nobody has said who may use it", pattern)
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		absent, there := g.fill(path, false), g.fill(path, true)
		for what, token := range nobody {
			if status, body := g.ask(token, method, there, "{}"); status != 401 || !strings.Contains(body, `"unauthorized"`) {
				t.Errorf("%s, %s: got %d %s", pattern, what, status, body)
			}
		}
		for _, role := range access.Roles {
			allowed := role.Allows(access.Role(want[0]))
			status, body := g.ask(g.tokens[role], method, absent, "{}")
			if refused := status == 403 && strings.Contains(body, `"forbidden"`); refused == allowed || status == 401 || status >= 500 {
				t.Errorf("%s as %s: got %d %s", pattern, role, status, body)
			}
			status, body = g.ask(g.limited[role], method, there, "{}")
			switch {
			case !allowed || want[1] == "forbidden":
				if status != 403 {
					t.Errorf("%s as %s of lab: got %d %s", pattern, role, status, body)
				}
			case want[1] == "hidden":
				again, same := g.ask(g.limited[role], method, absent, "{}")
				if status != 404 || again != status || body != same {
					t.Errorf("%s as %s of lab: got %d %s, and for what is not there %d %s", pattern, role, status, body, again, same)
				}
			case strings.Contains(body, "secret") || strings.Contains(body, g.ids["id"]) || strings.Contains(body, g.ids["xid"]):
				t.Errorf("%s as %s of lab: got %d %s", pattern, role, status, body)
			}
		}
	}
	// Nothing of what was tried has happened.
	if e := must(g.Environment(t.Context(), "secret"))(t); !e.Active || e.Servers != 1 || e.Queued != 1 {
		t.Errorf("got %+v", e)
	}
	if s := must(g.Server(t.Context(), wire.ServerXID(g.ids["xid"])))(t); s.Revoked != nil || s.Name != "server-of-secret" {
		t.Errorf("got %+v", s)
	}
	must(g.Job(t.Context(), g.ids["jobs"]))(t)
	must(g.Service(t.Context(), g.ids["services"]))(t)
	if status, body := g.ask(g.tokens[access.Viewer], "TRACE", "users", ""); status < 400 {
		t.Errorf("another method: got %d %s", status, body)
	}
	for _, path := range []string{"users/", "/users", "./users", "x/../users", "users%2f", "Users", "users;x", "../v1/users"} {
		if status, body := g.ask(g.tokens[access.Viewer], "GET", path, ""); status == 200 {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}

// TestLimitedToken: it cannot reach another Environment through what a body or a query names, either.
func TestLimitedToken(t *testing.T) {
	g := guard(t)
	token := g.limited[access.Administrator]
	app := `"app":"App","params":{"user":"x"}`
	for _, q := range [][3]string{
		{"POST", "executions", `{"environment":"secret",` + app + `}`},
		{"POST", "drafts", `{"environment":"secret",` + app + `}`},
		{"POST", "executions", `{"environment":"lab","server":"` + g.ids["xid"] + `",` + app + `}`},
		{"POST", "jobs", `{"name":"n","environment":"secret",` + app + `}`},
		{"POST", "jobs", `{"name":"n","environment":"lab","server":"` + g.ids["xid"] + `",` + app + `}`},
		{"PATCH", "jobs/job-of-lab", `{"environment":"secret"}`},
		{"POST", "services", `{"name":"n","environment":"secret","app":"Svc","params":{"user":"x"}}`},
		{"PATCH", "services/service-of-lab", `{"environment":"secret"}`},
		{"POST", "environments/lab/bundle", `{"kind":"env","server":"` + g.ids["xid"] + `"}`},
		{"POST", "environments/lab/bundle", `{"server":"` + g.ids["xid"] + `"}`},
		{"POST", "environments/lab/link", `{"server":"` + g.ids["xid"] + `"}`},
		{"GET", "executions?environment=secret", ""},
		{"GET", "servers?environment=secret", ""},
	} {
		status, body := g.ask(token, q[0], q[1], q[2])
		none := strings.NewReplacer(`"secret"`, `"none"`, "=secret", "=none", g.ids["xid"], "11111111-1111-4111-8111-111111111111")
		again, same := g.ask(token, q[0], none.Replace(q[1]), none.Replace(q[2]))
		if status != 404 || again != 404 || none.Replace(strings.ReplaceAll(body, `\"secret\"`, `\"none\"`)) != same {
			t.Errorf("%v: got %d %s, and for what is not there %d %s", q, status, body, again, same)
		}
	}
	for path, want := range map[string]string{
		"executions": `"environment":"lab"`, "servers": "server-of-lab", "jobs": "job-of-lab", "services": "service-of-lab", "environments": `"name":"lab"`, "status": `"environments":1,"servers":1`, "executions?environment=lab": `"environment":"lab"`,
	} {
		if status, body := g.ask(token, "GET", path, ""); status != 200 || !strings.Contains(body, want) || strings.Contains(body, "secret") {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
	if status, body := g.ask(token, "POST", "executions", `{"environment":"lab",`+app+`}`); status != 201 {
		t.Errorf("its own: got %d %s", status, body)
	}
	if status, body := g.ask(token, "POST", "environments/lab/bundle", `{"name":"mine"}`); status != 200 {
		t.Errorf("its own: got %d %.200s", status, body)
	}
}

// TestAuditOfRequests: who did what is there, with the outcome, and no secret of it.
func TestAuditOfRequests(t *testing.T) {
	g := guard(t)
	const secret = "not to be seen anywhere"
	g.ask(g.tokens[access.Administrator], "POST", "users", `{"name":"ada","role":"viewer","password":"`+secret+`"}`)
	g.ask(g.tokens[access.Operator], "PUT", "variables/TC/x?y="+strings.ReplaceAll(secret, " ", "+"), `{"data":"`+secret+`"}`)
	g.ask(g.tokens[access.Viewer], "POST", "users", `{"name":"eve","role":"administrator"}`)
	g.ask(g.tokens[access.Administrator], "DELETE", "users/none%0Aadmin%20token%20ok", "")
	g.ask(access.TokenPrefix+secret, "GET", "users", "")
	want := []string{
		"token:administrator/API token POST /api/admin/v1/users ok",
		"token:operator/API token PUT /api/admin/v1/variables/TC/x ok",
		"token:viewer/API token POST /api/admin/v1/users forbidden",
		"token:administrator/API token DELETE /api/admin/v1/users/none%0Aadmin%20token%20ok not_found",
		"/ GET /api/admin/v1/users unauthorized",
		"admin token/admin token POST /api/admin/v1/executions ok",
	}
	// What succeeded is there with its answer, the rest a moment later.
	for end := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		var all strings.Builder
		for _, e := range must(g.Audit(t.Context(), "", 1000))(t) {
			fmt.Fprintf(&all, "%s/%s %s %s\n", e.Who, e.How, e.Action, e.Outcome)
			if e.From != "127.0.0.1" || time.Since(e.Time) > time.Hour {
				t.Fatalf("got %+v", e)
			}
		}
		text := all.String()
		if strings.Contains(text, "to be seen") || strings.Contains(text, "tct_") {
			t.Fatalf("got %s", text)
		}
		missing := ""
		for i, line := range want {
			if !strings.Contains("\n"+text, "\n"+line+"\n") {
				missing = line
				if i < 2 {
					t.Fatalf("its answer was before its entry: %s", line)
				}
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%q is not in\n%s", missing, text)
		}
	}
	if strings.Contains(g.log.String(), "to be seen") || strings.Contains(g.log.String(), "tct_") {
		t.Error("the log has a secret")
	}
}

// TestRevokedEverywhere: a token that one gateway revokes is worthless at the other within seconds, and
// a log that is followed with it there ends.
func TestRevokedEverywhere(t *testing.T) {
	url := external(t)
	onNATS := func(cfg *cloud.Config) { cfg.NATS = []string{url} }
	first := start(t, t.TempDir(), onNATS)
	second := start(t, beside(t, first), onNATS)
	must(first.CreateEnvironment(t.Context(), "lab", ""))(t)
	must(first.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Playbook")), nil, false))(t)
	run := must(first.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App", Params: map[string]string{"user": "x"}}))(t)
	made := must(first.CreateAPIToken(t.Context(), v1.NewAPIToken{Name: "ci", Role: access.Viewer}))(t)
	there := func() *client.Client {
		cfg := must(client.Resolve(client.Source{Data: second.dir}))(t)
		cfg.Token = made.Secret
		return client.New(cfg)
	}()
	await(t, "the other gateway takes it", func() bool { _, err := there.Status(t.Context()); return err == nil })
	ended := make(chan error, 1)
	watching := make(chan struct{}, 10)
	go func() {
		_, err := there.Wait(t.Context(), run.ID, func(v1.Execution) { watching <- struct{}{} })
		ended <- err
	}()
	<-watching
	began := time.Now()
	if err := first.RevokeAPIToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	await(t, "the other gateway refuses it", func() bool { _, err := there.Status(t.Context()); return code(err) == v1.CodeUnauthorized })
	select {
	case err := <-ended:
		if code(err) != v1.CodeUnauthorized {
			t.Errorf("got %v", err)
		}
	case <-time.After(timeout):
		t.Error("what was followed goes on")
	}
	t.Logf("refused after %s", time.Since(began))
	// The audit log is one.
	entries := must(second.Audit(t.Context(), "", 10))(t)
	if len(entries) == 0 || !strings.HasPrefix(entries[0].Action, "DELETE /api/admin/v1/tokens/") && !strings.Contains(fmt.Sprint(entries), "DELETE /api/admin/v1/tokens/") {
		t.Errorf("got %v", entries)
	}
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
