package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// confidential is an App that shows a digest of what it got, and tries to leave the secret itself.
const confidential = `import hashlib, json, os, time
import tc
app = tc.App(tc.params())
time.sleep(float(app.p.get("seconds") or 0))
app.result("last_run", int(app.p.get("last_run") or 0) + 1)
app.result("password", app.p["password"])
app.exit(0, "got " + hashlib.sha256(app.p["password"].encode()).hexdigest()[:12] + " for " + app.p["url"])
`

const confidentialJSON = `{"programName": "Siem", "programVersion": "1.0.0", "programLanguage": "PYTHON", "programMain": "run.py",
	"runtimeLevel": "Organization", "features": ["fileParams"], "languageVersion": "3.11", "params": [
	{"name": "password", "type": "String", "required": true, "encrypt": true}, {"name": "url", "type": "String", "required": true},
	{"name": "last_run", "type": "String"}, {"name": "seconds", "type": "String"}]}`

// TestSealedJob: the cloud keeps the secret of a Job and cannot read it, over runs, edits, a killed
// agent, a new server and a new key.
func TestSealedJob(t *testing.T) {
	t.Parallel()
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	files, err := apps.Files("feed")
	s.must(err, "reading an App")
	files["install.json"], files["run.py"] = []byte(confidentialJSON), []byte(confidential)
	file := filepath.Join(s.Dir, "siem.tcx")
	s.must(apps.Pack(file, files), "building an App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding an App")
	a := s.agent(c, "lab", "one")
	out, err := s.tcenvsvr(a, "keychain", "status")
	s.must(err, "asking for the sealing key")
	pin := fingerprints.FindString(out)

	const secret = "opensesame-77af"
	given := filepath.Join(t.TempDir(), "secret")
	s.must(os.WriteFile(given, []byte(secret), 0o600), "writing a secret")
	sum := sha256.Sum256([]byte(secret))
	got := "got " + hex.EncodeToString(sum[:])[:12] + " for https://siem.example"
	sealed := func(pin string) []string {
		return []string{"--param", "password=@" + given, "--param", "url=https://siem.example", "--seal=password,url", "--package", file, "--pin", pin}
	}
	_, err = c.Do(s.ctx, append([]string{"job", "create", "siem", "lab", "Siem", "--param", "last_run=0"}, sealed(pin)...)...)
	s.must(err, "creating the Job")
	run := func(n int) jobView {
		t.Helper()
		_, err := c.Do(s.ctx, "job", "run", "siem", "--detach")
		s.must(err, "starting a run")
		return s.jobIs(c, "siem", fmt.Sprint("waiting for run ", n), func(j jobView) bool { return j.Run == nil && len(j.History) == n })
	}
	opened := func(n int, j jobView) {
		t.Helper()
		if h := j.History[0]; h.Outcome != "succeeded" || !strings.Contains(h.Message, got) {
			t.Errorf("run %d: %+v, want %q", n, h, got)
		}
		if _, leaks := j.Left["password"]; leaks || j.Left["last_run"] != fmt.Sprint(n) {
			t.Errorf("run %d left %v", n, j.Left)
		}
	}
	opened(1, run(1))

	// While the agent is killed and comes back.
	_, err = c.Do(s.ctx, "job", "edit", "siem", "--param", "seconds=2")
	s.must(err, "changing what is not sealed")
	_, err = c.Do(s.ctx, "job", "run", "siem", "--detach")
	s.must(err, "starting a run")
	s.eventually("waiting for the App", func() error {
		if list, err := c.Do(s.ctx, "execution", "list"); err != nil || !strings.Contains(list, "running") {
			return fmt.Errorf("%v: %s", err, list)
		}
		return nil
	})
	a.Kill()
	s.start(a)
	opened(2, s.jobIs(c, "siem", "waiting for run 2", func(j jobView) bool { return j.Run == nil && len(j.History) == 2 }))
	_, err = c.Do(s.ctx, "job", "edit", "siem", "--unset", "seconds")
	s.must(err, "changing what is not sealed")

	// A part of it is not changed alone, and no run replaces it.
	for _, change := range [][]string{
		{"--param", "url=https://evil.example"}, {"--unset", "url"}, {"--app", "Siem"}, {"--left", "password=x"},
	} {
		if _, err := c.Do(s.ctx, append([]string{"job", "edit", "siem"}, change...)...); err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Errorf("edit %v: %v", change, err)
		}
	}

	// A server that came later gets no run, and the Job says so; a new key wants it sealed again.
	s.agent(c, "lab", "two")
	opened(3, run(3))
	shows := func(what string) {
		t.Helper()
		if out, err := c.Do(s.ctx, "job", "show", "siem"); err != nil || !strings.Contains(strings.Join(strings.Fields(out), " "), what) {
			t.Errorf("job show does not say %q: %v\n%s", what, err, out)
		}
	}
	shows("no runs go to two")
	out, err = s.tcenvsvr(a, "keychain", "rotate", "--forget")
	s.must(err, "replacing the sealing key: "+out)
	next := fingerprints.FindString(out)
	s.eventually("waiting for the cloud to know the new key", func() error {
		if list, err := c.Do(s.ctx, "server", "list", "--json"); err != nil || !strings.Contains(list, next) {
			return fmt.Errorf("%v: it knows %v", err, fingerprints.FindAllString(list, -1))
		}
		return nil
	})
	shows("seal again before")
	_, err = c.Do(s.ctx, append([]string{"job", "edit", "siem"}, sealed(next)...)...)
	s.must(err, "sealing again")
	opened(4, run(4))

	if !s.lacksIn(c.Data, secret) { // its App wrote it into its own folder
		t.Error("the cloud has the secret in clear")
	}
	s.silentAbout(secret)
}
