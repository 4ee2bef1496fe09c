package test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// refusedApp sends what is too large or not allowed, as TcEx does it: with requests, in a session,
// the whole body before it looks for the answer. An answer that does not arrive is an exception.
const refusedApp = `import json, urllib.parse
import requests
import tc

app = tc.App(tc.params())
api, context = app.p["tc_api_path"], app.p["tc_playbook_kvstore_context"]
session = requests.Session()
session.headers["Authorization"] = "TC-Token " + app.p["tc_token"]
MiB = 1 << 20

def kv(context):
    return "/internal/playbooks/keyValue/%s/%s" % (context, urllib.parse.quote("#App:1:big!String", safe="~"))

def pieces(size):
    for _ in range(size // MiB):
        yield b"x" * MiB

def attempt(method, path, body, **more):
    try:
        r = session.request(method, api + path, data=body, timeout=120, **more)
        return "%d %s" % (r.status_code, r.text.strip())
    except Exception as e:
        return "FAILED " + e.__class__.__name__ + ": " + str(e)[:200]

bad = {"headers": {"Authorization": "TC-Token nobody"}}
found = {
    "a variable of 33 MB": attempt("PUT", kv(context), b"x" * (33 * MiB)),
    "the same in chunks": attempt("PUT", kv(context), pieces(33 * MiB)),
    "a variable of 100 MB": attempt("PUT", kv(context), pieces(100 * MiB)),
    "a batch of logs of 40 MB": attempt("POST", "/v2/logs/app", b"[" + b" " * (40 * MiB)),
    "a foreign context": attempt("PUT", kv("other"), b"x" * (10 * MiB)),
    "no such endpoint": attempt("POST", "/v2/nothing", b"x" * (10 * MiB)),
    "a wrong token": attempt("PUT", kv(context), b"x" * (10 * MiB), **bad),
    "a body nobody wants": attempt("GET", kv(context), b"x" * (10 * MiB)),
    "what is allowed": attempt("PUT", kv(context), b'"' + b"x" * (32 * MiB - 2) + b'"'),
}
print("FOUND " + json.dumps(found))
app.exit(0, "looked around")
`

// TestRefusalsAreHeard: an App whose body is refused hears why, from the cloud by TLS and from
// tcenvsvr app run, and its session goes on.
func TestRefusalsAreHeard(t *testing.T) {
	python := pythonHere(t)
	s := newScene(t)
	files, err := apps.Files("playbook")
	s.must(err, "reading an App's files")
	var manifest map[string]any
	s.must(json.Unmarshal(files["install.json"], &manifest), "reading install.json")
	manifest["programName"], manifest["displayName"], manifest["params"] = "Test - Refused", "Test - Refused", []any{}
	files["run.py"] = []byte(refusedApp)
	files["install.json"], err = json.Marshal(manifest)
	s.must(err, "writing install.json")
	file := filepath.Join(s.Dir, "refused.tcx")
	s.must(apps.Pack(file, files), "packing the App")

	c := s.cloud("lab")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
	s.agent(c, "lab", "one", "--appsRunner", "none", "--appsPythonHome311", python)
	for by, run := range map[string]func() (string, error){
		"the cloud": func() (string, error) {
			var e execution
			s.must(c.JSON(s.ctx, &e, "run", "lab", "Test_-_Refused"), "running the App")
			return c.Do(s.ctx, "execution", "logs", e.ID, "--stream", "stdout")
		},
		"app run": func() (string, error) {
			home := []string{"TCENVSVR_HOME=" + filepath.Join(s.Dir, "developer")}
			return stage.Command(s.ctx, home, s.AgentBin, "app", "run", file, "--no-sandbox", "--appsPythonHome311", python)
		},
	} {
		out, err := run()
		s.must(err, "running the App by "+by)
		_, text, _ := strings.Cut(out, "FOUND ")
		found := map[string]string{}
		s.must(json.NewDecoder(strings.NewReader(text)).Decode(&found), "reading "+out)
		for what, want := range map[string]string{
			"a variable of 33 MB":      "413 a Playbook variable is too large: at most 33554432 bytes",
			"the same in chunks":       "413 a Playbook variable is too large",
			"a variable of 100 MB":     "413 a Playbook variable is too large",
			"a batch of logs of 40 MB": "413 a batch of log entries is too large: at most 8388608 bytes",
			"a foreign context":        "403 the token does not open this context",
			"no such endpoint":         "404 there is no such endpoint",
			"a wrong token":            "401 token is unknown or expired",
			"a body nobody wants":      "200 null",
			"what is allowed":          "200 Success",
		} {
			status, words, _ := strings.Cut(want, " ")
			if got := found[what]; !strings.HasPrefix(got, status+" ") || !strings.Contains(got, words) {
				t.Errorf("%s, %s: got %q, want %q", by, what, got, want)
			}
		}
	}
}
