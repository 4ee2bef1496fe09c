package cloud_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// A Playbook App's whole life, seen from all three sides of the API.
func TestOrder(t *testing.T) {
	c, id, a := setup(t)
	const secret = "s3cr3t-param"
	run := must(c.Run(t.Context(), v1.NewExecution{
		Environment: "lab", App: "Playbook_App", Params: map[string]string{"user": "ada", "password": secret},
		KV: map[string]string{"#App:1:in!String": `"seed"`}, TimeoutMS: 60_000,
	}))(t)
	order := next[*wire.Order](a)
	if order.Order != run.ID || order.Params["password"] != secret || order.OutVariables[0] != "#App:1:out!String" || order.KVContext == "" {
		t.Errorf("got order %s with %d parameters, outputs %q", order.Order, len(order.Params), order.OutVariables)
	}
	ref := order.Ref
	for _, m := range []wire.Message{
		&wire.Accepted{Ref: ref}, &wire.Progress{Ref: ref, State: wire.StateRunning},
		&wire.Log{Ref: ref, Stream: wire.Stdout, Data: []byte("hello ")},
	} {
		if err := a.Write(m); err != nil {
			t.Fatal(err)
		}
	}

	// The App's side.
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: id.roots}}}
	app := func(method, path, body string) (int, string) {
		t.Helper()
		return call(t, https, method, id.env["apiURL"]+"/api"+path, "TC-Token "+order.Token, strings.NewReader(body))
	}
	kv := "/internal/playbooks/keyValue/" + order.KVContext + "/"
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", kv + url.PathEscape("#App:1:in!String"), "", 200, `"seed"`},
		{"GET", kv + "unset", "", 200, "null"},
		{"PUT", kv + url.PathEscape("#App:1:out!String"), `"result"`, 200, ""},
		{"GET", "/internal/playbooks/keyValue/other/x", "", 403, ""},
		{"GET", "/internal/job/execution/parameters", "", 200, secret},
		{"POST", "/v2/logs/app", `[{"timestamp":1,"level":"INFO","message":"shipped"}]`, 200, ""},
	} {
		if status, body := app(step.method, step.path, step.body); status != step.status || !strings.Contains(body, step.want) {
			t.Errorf("%s %s: got %d %q, want %d %q", step.method, step.path, status, body, step.status, step.want)
		}
	}

	// The agent's side.
	report := []byte("a,b\n")
	sum := sha256.Sum256(report)
	sha := hex.EncodeToString(sum[:])
	envsvr := func(method, path string, body io.Reader) (int, string) {
		t.Helper()
		return call(t, https, method, id.env["apiURL"]+"/api/internal/envsvr/"+path, "Bearer "+id.env["appDeliveryToken"], body)
	}
	upload := fmt.Sprintf("orders/%s/1/files/%s?offset=0&size=%d&sha256=%s", ref.Order, "dir%2Freport.csv", len(report), sha)
	if status, body := envsvr("PUT", upload, bytes.NewReader(report)); status != 204 {
		t.Errorf("upload: got %d %q", status, body)
	}
	if status, body := envsvr("GET", "apps/"+string(order.App.SHA256), nil); status != 200 || int64(len(body)) != order.App.Size {
		t.Errorf("download: got %d and %d bytes", status, len(body))
	}

	// The operator's side, while it runs and after.
	shown := must(c.Execution(t.Context(), run.ID))(t)
	if strings.Join(shown.Params, " ") != "password user" || shown.State != wire.StateRunning || shown.ServerName != "one" {
		t.Errorf("got %+v", shown)
	}
	followed := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		if err := c.Follow(t.Context(), run.ID, client.LogQuery{}, func(k v1.Chunk) error { b.Write(k.Data); return nil }); err != nil {
			b.WriteString(err.Error())
		}
		followed <- b.String()
	}()
	for _, m := range []wire.Message{
		&wire.Log{Ref: ref, Stream: wire.Stdout, Offset: 6, Data: []byte("world")},
		&wire.Result{Ref: ref, Outcome: wire.Succeeded, Message: "done", Results: map[string]string{"user": "1"},
			Files:  []wire.File{{Name: "dir/report.csv", Size: int64(len(report)), SHA256: wire.SHA256(sha)}},
			Output: map[wire.Stream]wire.OutputSize{wire.Stdout: {Written: 11, Kept: 11}}},
	} {
		if err := a.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	end := must(c.Wait(t.Context(), run.ID, nil))(t)
	if end.State != wire.State(wire.Succeeded) || *end.ExitCode != 0 || end.Results["user"] != "1" || end.Message != "done" {
		t.Errorf("got %+v", end)
	}
	bearer := "Bearer " + strings.TrimSpace(string(must(os.ReadFile(filepath.Join(c.dir, client.TokenFile)))(t)))
	for _, want := range []string{
		`tccloud_gateway_orders_submitted_total{environment="lab"} 1`, `tccloud_gateway_orders_delivered_total{environment="lab"} 1`,
		`tccloud_gateway_orders_ended_total{environment="lab",outcome="succeeded"} 1`, `tccloud_gateway_order_queue_wait_seconds_count{environment="lab"} 1`,
		`tccloud_gateway_order_round_trip_seconds_count{environment="lab"} 1`, `tccloud_servers{environment="lab",state="connected"} 1`,
	} {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // an end is told before it is counted
			status, figures := call(t, https, "GET", id.env["apiURL"]+"/metrics", bearer, nil)
			if status == 200 && strings.Contains(figures, "\n"+want+"\n") {
				break
			}
			if time.Now().After(end) {
				t.Errorf("got %d without %s: %s", status, want, figures)
				break
			}
		}
	}
	if got := <-followed; got != "hello world" {
		t.Errorf("followed %q", got)
	}
	if out := must(c.Outputs(t.Context(), run.ID))(t); string(out["#App:1:out!String"]) != `"result"` {
		t.Errorf("got outputs %s", out)
	}
	var file bytes.Buffer
	if err := c.File(t.Context(), run.ID, "dir/report.csv", &file); err != nil || file.String() != string(report) {
		t.Errorf("got file %q, %v", file.String(), err)
	}
	if err := c.File(t.Context(), run.ID, "../admin.token", io.Discard); err == nil {
		t.Error("a file outside was sent")
	}
	var shipped string
	for chunk, err := range c.Logs(t.Context(), run.ID, client.LogQuery{Stream: v1.StreamAPI}) {
		if err != nil {
			t.Fatal(err)
		}
		shipped += string(chunk.Data)
	}
	if !strings.Contains(shipped, "shipped") {
		t.Errorf("got shipped log %q", shipped)
	}
	// After the end the App's token opens nothing, and uploads are fenced.
	if status, _ := app("GET", kv+"unset", ""); status != 401 {
		t.Errorf("a token of an ended execution: got %d", status)
	}
	if status, _ := call(t, https, "GET", id.env["apiURL"]+"/api/appAuth?expiredToken="+url.QueryEscape(order.Token), "", nil); status != 401 {
		t.Errorf("renewal after the end: got %d", status)
	}
	if status, _ := envsvr("PUT", upload, bytes.NewReader(report)); status != 410 {
		t.Errorf("upload after the end: got %d", status)
	}

	// Nothing secret anywhere it does not belong.
	shownList, next, err := c.Executions(t.Context(), client.ExecutionQuery{Environment: "lab"})
	if err != nil || next != "" {
		t.Errorf("the list goes on at %q, %v", next, err)
	}
	list, _ := json.Marshal(shownList)
	show, _ := json.Marshal(must(c.Execution(t.Context(), run.ID))(t))
	servers, _ := json.Marshal(must(c.Servers(t.Context(), ""))(t))
	token := must(os.ReadFile(filepath.Join(c.dir, client.TokenFile)))(t)
	for _, s := range []string{secret, order.Token, id.env["brokerToken"], id.env["appDeliveryToken"], id.env["keystorePassword"], strings.TrimSpace(string(token))} {
		for where, text := range map[string]string{"the log": c.log.String(), "the list": string(list), "show": string(show), "servers": string(servers)} {
			if strings.Contains(text, s) {
				t.Errorf("%s shows a secret", where)
			}
		}
	}
	for name, mode := range files(t, c.dir) {
		if mode&0o077 != 0 && name != "pki/ca.crt" && name != client.EndpointFile && !strings.HasPrefix(name, "store/") {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

func call(t *testing.T, c *http.Client, method, url, authorization string, body io.Reader) (int, string) {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, url, body))(t)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res := must(c.Do(r))(t)
	defer res.Body.Close()
	return res.StatusCode, string(must(io.ReadAll(res.Body))(t))
}

// What an operator takes away ends the session at once.
func TestRevokeAndDeactivate(t *testing.T) {
	c, id, a := setup(t)
	xid := wire.ServerXID(id.env["serverXid"])
	if s := must(c.Server(t.Context(), xid))(t); s.Session == nil || s.Session.Version != "9" {
		t.Errorf("got %+v, want a session", s)
	}
	must(c.SetActive(t.Context(), "lab", false))(t)
	if e := next[*wire.Error](a); e.Code != wire.CodeInactive {
		t.Errorf("got %q", e.Code)
	}
	if _, err := c.join(id); err == nil || err.Error() != string(wire.CodeInactive) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "Organization_App", Params: map[string]string{"user": ""}}); code(err) != v1.CodeInactive {
		t.Errorf("got %v", err)
	}
	must(c.SetActive(t.Context(), "lab", true))(t)
	a = must(c.join(id))(t)
	must(c.RevokeServer(t.Context(), xid))(t)
	if e := next[*wire.Error](a); e.Code != wire.CodeRevoked {
		t.Errorf("got %q", e.Code)
	}
	if _, err := c.join(id); err == nil || err.Error() != string(wire.CodeRevoked) {
		t.Errorf("got %v", err)
	}
	data, again, err := c.bundle(t.Context(), "lab", v1.NewBundle{Server: xid})
	if err != nil || again != xid {
		t.Fatalf("got %q, %v", again, err)
	}
	a = must(c.join(open(t, data)))(t)
	if err := c.DeleteEnvironment(t.Context(), "lab", false); code(err) != v1.CodeInUse {
		t.Errorf("got %v", err)
	}
	run := must(c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "Organization_App", Params: map[string]string{"user": ""}}))(t)
	if err := c.DeleteEnvironment(t.Context(), "lab", true); err != nil {
		t.Error(err)
	}
	if e := next[*wire.Error](a); e.Code != wire.CodeInactive && e.Code != wire.CodeUnknownServer {
		t.Errorf("got %q", e.Code)
	}
	if x := must(c.Execution(t.Context(), run.ID))(t); x.State == wire.StateQueued {
		t.Errorf("the execution of a removed environment is %s", x.State)
	}
}

// Every refusal has a code, and quotes no secret.
func TestRefusals(t *testing.T) {
	c, _, _ := setup(t)
	ctx := t.Context()
	run := func(q v1.NewExecution) error {
		q.Environment = "lab"
		_, err := c.Run(ctx, q)
		return err
	}
	ok := map[string]string{"user": "ada"}
	nine := 10
	second := func(_ any, err error) error { return err }
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"environment exists":   {second(c.CreateEnvironment(ctx, "lab", "")), v1.CodeExists},
		"bad environment":      {second(c.CreateEnvironment(ctx, "../x", "")), v1.CodeBadRequest},
		"no environment":       {second(c.Environment(ctx, "../../admin")), v1.CodeNotFound},
		"no server":            {second(c.Server(ctx, "../x")), v1.CodeNotFound},
		"revoke none":          {second(c.RevokeServer(ctx, "x y")), v1.CodeNotFound},
		"servers of none":      {second(c.Servers(ctx, "none")), v1.CodeNotFound},
		"no app":               {c.RemoveApp(ctx, "a/../b", "1", false), v1.CodeNotFound},
		"app that is none":     {second(c.AddApp(ctx, strings.NewReader("hello"), nil, false)), "app.bad_zip"},
		"app with other bytes": {second(c.AddApp(ctx, bytes.NewReader(tcx(t, "Playbook_App", "1.0.0", "Organization")), nil, false)), v1.CodeExists},
		"no execution":         {second(c.Execution(ctx, "..")), v1.CodeNotFound},
		"cancel none":          {second(c.Cancel(ctx, "none", "")), v1.CodeNotFound},
		"long reason":          {second(c.Cancel(ctx, "none", strings.Repeat("x", 2000))), v1.CodeBadRequest},
		"run no app":           {run(v1.NewExecution{App: "none"}), v1.CodeNotFound},
		"run no version":       {run(v1.NewExecution{App: "Playbook_App", Version: "9"}), v1.CodeNotFound},
		"run without params":   {run(v1.NewExecution{App: "Playbook_App"}), v1.CodeBadRequest},
		"unknown parameter":    {run(v1.NewExecution{App: "Playbook_App", Params: map[string]string{"user": "", "usr": "s3cr3t"}}), v1.CodeBadRequest},
		"variables of a job":   {run(v1.NewExecution{App: "Organization_App", Params: ok, KV: map[string]string{"a": "1"}}), v1.CodeBadRequest},
		"priority":             {run(v1.NewExecution{App: "Playbook_App", Params: ok, Priority: &nine}), v1.CodeBadRequest},
		"timeout":              {run(v1.NewExecution{App: "Playbook_App", Params: ok, TimeoutMS: 5}), v1.CodeBadRequest},
		"huge parameters":      {run(v1.NewExecution{App: "Playbook_App", Params: map[string]string{"user": strings.Repeat("x", 40<<20)}}), v1.CodeTooLarge},
		"bundle kind":          {second3(c.bundle(ctx, "lab", v1.NewBundle{Kind: "x"})), v1.CodeBadRequest},
		"bundle of server":     {second3(c.bundle(ctx, "lab", v1.NewBundle{Kind: "server"})), v1.CodeNoPackage},
		"bundle for none":      {second3(c.bundle(ctx, "lab", v1.NewBundle{Server: "none"})), v1.CodeNotFound},
		"variable name":        {c.SetVariable(ctx, "X", "y", "s3cr3t"), v1.CodeBadRequest},
		"no variable":          {c.DeleteVariable(ctx, "TC", "none"), v1.CodeNotFound},
	} {
		if got := code(tt.err); got != tt.want {
			t.Errorf("%s: got %q (%v), want %q", name, got, tt.err, tt.want)
		}
		if tt.err != nil && strings.Contains(tt.err.Error(), "s3cr3t") {
			t.Errorf("%s: the error shows a value: %v", name, tt.err)
		}
	}
}

func second3(_ []byte, _ wire.ServerXID, err error) error { return err }

// Requests that no client of ours makes.
func TestHostileRequests(t *testing.T) {
	c := start(t, t.TempDir())
	for _, env := range []string{"lab", "plant"} {
		must(c.CreateEnvironment(t.Context(), env, ""))(t)
		if _, _, err := c.bundle(t.Context(), env, v1.NewBundle{Name: "twin"}); err != nil {
			t.Fatal(err)
		}
	}
	for name, level := range map[string]string{"App": "Organization", "Lookup": "ApiService"} {
		must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, name, "1.0.0", level)), nil, false))(t)
	}
	params := map[string]string{"user": "x"}
	run := must(c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App", Params: params}))(t)
	must(c.CreateService(t.Context(), v1.NewService{Name: "lookup", Environment: "lab", App: "Lookup", Params: params}))(t)
	resolved := must(client.Resolve(client.Source{Data: c.dir}))(t)
	https := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: resolved.Roots, ServerName: "localhost"}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	good := "Bearer " + resolved.Token
	const noToken, noEndpoint = "the token is missing, wrong or has expired", "there is no such endpoint, or not with this method"
	long := strings.Repeat("x", 2000)
	for name, tt := range map[string]struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		"no token":             {"GET", "environments", "", "", 401, noToken},
		"wrong token":          {"GET", "environments", "Bearer x", "", 401, noToken},
		"token of an agent":    {"GET", "environments", "TC-Token " + resolved.Token, "", 401, noToken},
		"huge token":           {"GET", "environments", "Bearer " + strings.Repeat("x", 60_000), "", 401, noToken},
		"huge header":          {"GET", "environments", "Bearer " + strings.Repeat("x", 600_000), "", 431, ""},
		"no endpoint":          {"GET", "nothing", good, "", 404, noEndpoint},
		"no such method":       {"PUT", "environments", good, "{}", 404, noEndpoint},
		"not even there":       {"GET", "nothing", "", "", 401, noToken},
		"no JSON":              {"POST", "environments", good, "{", 400, "reading the body: it is not the JSON wanted here"},
		"two values":           {"POST", "environments", good, `{"name":"a"}{"name":"b"}`, 400, "reading the body: it is not the JSON wanted here"},
		"unknown field":        {"POST", "environments", good, `{"name":"a","admin":true}`, 400, `reading the body: unknown field "admin"`},
		"wrong type":           {"POST", "environments", good, `{"name":["s3cr3t"]}`, 400, `reading the body: field "name" has the wrong type, want string`},
		"empty body":           {"POST", "environments", good, "", 400, "reading the body: it is empty"},
		"huge body":            {"POST", "environments", good, `{"name":"` + strings.Repeat("x", 33<<20), 413, "the body is larger than 33554432 bytes"},
		"encoded traversal":    {"GET", "environments/..%2f..%2fadmin.token", good, "", 404, "not found"},
		"control character":    {"GET", "environments/a%00b%0a", good, "", 404, "not found"},
		"limit":                {"GET", "executions?limit=-1", good, "", 400, `limit "-1" is outside 1–`},
		"limit too high":       {"GET", "executions?limit=1001", good, "", 400, `limit "1001" is outside 1–`},
		"cursor":               {"GET", "executions?cursor=0001.x", good, "", 400, ""},
		"state":                {"GET", "executions?state=finished", good, "", 400, `"finished" is no state of an execution`},
		"time":                 {"GET", "executions?since=yesterday", good, "", 400, `since: "yesterday" is no time`},
		"server":               {"GET", "executions?server=a%20b", good, "", 400, `"a b" is no server`},
		"server of two":        {"GET", "executions?server=twin", good, "", 400, `several servers are called "twin"`},
		"text":                 {"GET", "executions?q=" + long, good, "", 400, "the text is longer than 256 bytes"},
		"no execution":         {"GET", "executions/none/logs?stream=x", good, "", 404, `no such execution: "none"`},
		"stream":               {"GET", "executions/" + string(run.ID) + "/logs?stream=x", good, "", 400, `stream "x": want stdout, stderr, app or api`},
		"reason":               {"POST", "executions/none/cancel", good, `{"reason":"` + long + `"}`, 400, "the reason is longer than 1024 bytes"},
		"life of a token":      {"POST", "tokens", good, `{"name":"x","role":"viewer","valid_seconds":-1}`, 400, "valid_seconds is outside 0–158112000"},
		"variable":             {"PUT", "variables/TC/x", good, `{"data":"` + strings.Repeat("x", 512<<10+1) + `"}`, 413, "a variable holds at most 524288 bytes"},
		"link":                 {"POST", "environments/lab/link", good, `{"valid_seconds":604801}`, 400, "a link is valid for up to 168h0m0s, not 168h0m1s"},
		"nobody to revoke":     {"POST", "servers/revoke", good, `{"servers":[],"away_seconds":86400}`, 400, "0 servers that are away for 86400 s: want 1–1000 servers, and 86400 s or more"},
		"choice of both":       {"POST", "releases/choices", good, `{"server":"x","environment":"lab"}`, 400, "name a server or an Environment, one of them"},
		"choice of no release": {"POST", "releases/choices", good, `{"environment":"lab","pin":"newest"}`, 400, `version "newest" is no semantic version`},
		"large signature":      {"PUT", "apps/App/1.0.0/signature", good, strings.Repeat("x", 20<<10), 413, "the body is larger than 16384 bytes"},
		"no signature":         {"GET", "apps/App/1.0.0/signature", good, "", 404, `App "App" version "1.0.0" is not signed`},
		"App in use":           {"DELETE", "apps/App/1.0.0", good, "", 409, `App "App" version "1.0.0" has unfinished executions`},
	} {
		status, body := call(t, https, tt.method, c.endpoint.URL+v1.Prefix+tt.path, tt.token, strings.NewReader(tt.body))
		if status != tt.status {
			t.Errorf("%s: got %d %.200q, want %d", name, status, body, tt.status)
		}
		var f v1.Failure
		if status != 431 && (json.Unmarshal([]byte(body), &f) != nil || f.Error == nil || f.Error.Code == "" || f.Error.Message == "" || !strings.Contains(f.Error.Message, tt.says)) {
			t.Errorf("%s: %q is no error of the admin API, or does not say %q", name, body, tt.says)
		}
		if strings.Contains(body, "s3cr3t") || strings.Contains(body, resolved.Token) {
			t.Errorf("%s: the answer shows a secret: %q", name, body)
		}
	}
	for path, tt := range map[string]struct {
		token, body string
		status      int
		says        string
	}{
		"/api/services/none":   {"", "", 404, "there is no such service"},
		"/api/services/lookup": {"Bearer x", "", 401, "the service's token is missing or wrong"},
		"/webhook/guess":       {"", "", 404, "there is no such webhook"},
	} {
		if status, body := call(t, https, "POST", c.endpoint.URL+path, tt.token, strings.NewReader(tt.body)); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: got %d %q, want %d %q", path, status, body, tt.status, tt.says)
		}
	}
	if status, body := call(t, https, "GET", c.endpoint.URL+"/healthz", "", nil); status != 200 {
		t.Errorf("healthz: got %d %q", status, body)
	}
}

// A cloud that starts again is the same cloud.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	app := must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Playbook")), nil, false))(t)
	data, _, err := c.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	run := must(c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App", Params: map[string]string{"user": "x"}}))(t)
	waited := make(chan error, 1)
	go func() { // a client that waits survives the restart, on the same port
		_, err := c.Wait(t.Context(), run.ID, nil)
		waited <- err
	}()
	if err := cloud.Run(t.Context(), cloud.Config{Data: dir, Logger: c.logger()}); err == nil || !strings.Contains(err.Error(), "another cloud is running") {
		t.Errorf("a second cloud in the same folder: got %v", err)
	}
	broker, api := c.endpoint.Broker, c.endpoint.API
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReadEndpoint(dir); err == nil {
		t.Error("endpoint.json is there after the end")
	}
	c = start(t, dir, func(cfg *cloud.Config) { cfg.BrokerAddr, cfg.APIAddr = broker, api })
	a := must(c.join(open(t, data)))(t)
	order := next[*wire.Order](a)
	if order.Order != run.ID || order.App.SHA256 != app.SHA256 {
		t.Errorf("got order %s of %s", order.Order, order.App.SHA256)
	}
	if err := a.Write(&wire.Accepted{Ref: order.Ref}); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(&wire.Result{Ref: order.Ref, Outcome: wire.Failed, ExitCode: 1}); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("the waiting client: %v", err)
	}
}

// Stopping does not wait for those who follow a log.
func TestStopWhileFollowed(t *testing.T) {
	c := start(t, t.TempDir())
	must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Playbook")), nil, false))(t)
	run := must(c.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App", Params: map[string]string{"user": "x"}}))(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range c.Watch(ctx, run.ID) {
			select {
			case <-first:
			default:
				close(first)
			}
		}
	}()
	<-first
	if err := c.stop(); err != nil {
		t.Error(err)
	}
	<-ended
	if ctx.Err() != nil {
		t.Error("the watch was not ended")
	}
}

func TestConfigurationErrors(t *testing.T) {
	c := start(t, t.TempDir())
	for name, tt := range map[string]struct {
		change func(*cloud.Config)
		want   string
	}{
		"port in use":      {func(cfg *cloud.Config) { cfg.APIAddr = c.endpoint.API }, "in use by another program"},
		"no address":       {func(cfg *cloud.Config) { cfg.BrokerAddr = "nowhere" }, "opening the port of the broker"},
		"public URL":       {func(cfg *cloud.Config) { cfg.PublicURL = "http://x" }, "--public-url"},
		"public broker":    {func(cfg *cloud.Config) { cfg.PublicBrokers = []string{"x"} }, "--public-broker"},
		"certificate":      {func(cfg *cloud.Config) { cfg.CertFile, cfg.KeyFile = "none.pem", "none.key" }, "server certificate"},
		"name":             {func(cfg *cloud.Config) { cfg.Names = []string{""} }, "no host name"},
		"folder is a file": {func(cfg *cloud.Config) { cfg.Data = filepath.Join(c.dir, client.TokenFile) }, "data folder"},
		"admin token": {func(cfg *cloud.Config) {
			if err := os.WriteFile(filepath.Join(cfg.Data, client.TokenFile), []byte("guess\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, `admin.token" holds less than 16 characters`},
	} {
		cfg := cloud.Config{Data: t.TempDir(), BrokerAddr: "127.0.0.1:0", APIAddr: "127.0.0.1:0", Notice: io.Discard, Logger: c.logger()}
		tt.change(&cfg)
		if err := cloud.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// A certificate that was given is shown on both ports, and bundles bring what verifies it.
func TestGivenCertificate(t *testing.T) {
	maker := start(t, t.TempDir(), func(cfg *cloud.Config) { cfg.Names = []string{"given.example"} })
	pem := filepath.Join(t.TempDir(), "chain.pem") // certificate and key, and the CA
	chain := must(os.ReadFile(filepath.Join(maker.dir, "pki", "server.pem")))(t)
	chain = append(chain, must(os.ReadFile(filepath.Join(maker.dir, "pki", "ca.crt")))(t)...)
	if err := os.WriteFile(pem, chain, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, t.TempDir(), func(cfg *cloud.Config) {
		cfg.CertFile, cfg.KeyFile, cfg.PublicURL = pem, pem, "https://given.example:8443"
	})
	must(c.Status(t.Context()))(t)
	must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	data, _, err := c.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	if id.env["apiURL"] != "https://given.example:8443" || !strings.HasPrefix(id.env["brokerHost"], "given.example:") {
		t.Errorf("got %q and %q", id.env["apiURL"], id.env["brokerHost"])
	}
	id.env["brokerHost"] = c.endpoint.Broker
	must(c.join(id))(t)
}
