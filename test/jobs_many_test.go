package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// admin calls the API of a cloud as its operators' program does: thousands of programs would take
// longer than what is tested.
func (s *scene) admin(c *stage.Cloud) func(ctx context.Context, method, path string, body any) error {
	s.t.Helper()
	pem, err := os.ReadFile(c.CA)
	s.must(err, "reading the cloud's CA")
	token, err := os.ReadFile(c.TokenFile)
	s.must(err, "reading the admin token")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 16}}
	s.t.Cleanup(client.CloseIdleConnections)
	return func(ctx context.Context, method, path string, body any) error {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, method, c.URL+"/api/admin/v1/"+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		a, err := client.Do(r)
		if err != nil {
			return err
		}
		defer a.Body.Close()
		if text, _ := io.ReadAll(a.Body); a.StatusCode/100 != 2 {
			return fmt.Errorf("%s %s: %s: %s", method, path, a.Status, text)
		}
		return nil
	}
}

// counted is an App that notes its beginning and its end.
const counted = `import os, time
import tc
app = tc.App(tc.params())
def note(text):
    with open(app.p["log"], "a") as f:
        f.write(text + "\n")
note("+")
time.sleep(0.05)
note("-")
app.exit(0, "")
`

const countedJSON = `{"programName": "Counted", "programVersion": "1.0.0", "programLanguage": "PYTHON", "programMain": "run.py",
	"runtimeLevel": "Organization", "features": ["fileParams"], "languageVersion": "3.11", "params": [{"name": "log", "type": "String", "required": true}]}`

// TestManyJobs: Jobs of a large Environment and of small ones are due at one moment, and real servers
// run them: each once, no more at once than a server has executors, and the small ones do not wait
// for the large one. Cloud and an agent are killed meanwhile. TCENVSVR_JOBS=10000 says how many.
func TestManyJobs(t *testing.T) {
	t.Parallel()
	need.Python(t)
	many := 24
	if n, err := strconv.Atoi(os.Getenv("TCENVSVR_JOBS")); err == nil {
		many = n
	}
	const small, executors = 2, 2 // Jobs of each small Environment
	s := newScene(t)
	c := s.cloud("large")
	files, err := apps.Files("feed")
	s.must(err, "reading an App")
	files["install.json"], files["run.py"] = []byte(countedJSON), []byte(counted)
	file := filepath.Join(s.Dir, "counted.tcx")
	s.must(apps.Pack(file, files), "building an App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding an App")
	flags := []string{"--appsRunner", "none", "--appsIsolation", "off", "--appsNumberofJobExecutors", strconv.Itoa(executors)} // its App writes where the test looks
	log := func(env string) string { return filepath.Join(s.Dir, env+".count") }
	agents := []*stage.Agent{s.agent(c, "large", "large", flags...)}
	envs := []string{"small-1", "small-2"}
	for _, env := range envs {
		_, err := c.Do(s.ctx, "env", "create", env)
		s.must(err, "creating an Environment")
		agents = append(agents, s.agent(c, env, env, flags...))
	}
	call := s.admin(c)
	at := time.Now().Add(15*time.Second + time.Duration(many)*10*time.Millisecond).UTC().Truncate(time.Second)
	create := func(env string, i int) func() error {
		return func() error {
			return call(s.ctx, http.MethodPost, "jobs", map[string]any{
				"name": fmt.Sprintf("%s-%d", env, i), "environment": env, "app": "Counted", "params": map[string]string{"log": log(env)}, "schedule": "once " + at.Format("2006-01-02T15:04:05"),
			})
		}
	}
	var g errgroup.Group
	g.SetLimit(16)
	for i := range many {
		g.Go(create("large", i))
	}
	for _, env := range envs {
		for i := range small {
			g.Go(create(env, i))
		}
	}
	s.must(g.Wait(), "creating Jobs")
	if late := time.Since(at); late > 0 {
		t.Fatalf("the Jobs were created %s too late", late)
	}
	all := many + small*len(envs)
	before := []int64{peak(c.PID()), peak(agents[0].PID())}

	// Cloud and agent are killed when a third and two thirds have ended.
	ended := func(n int) (list []jobView) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 2*time.Minute+time.Duration(many)*time.Second)
		defer cancel()
		s.must(stage.Eventually(ctx, func() error {
			list = nil
			if err := c.JSON(ctx, &list, "job", "list"); err != nil {
				return err
			}
			done := 0
			for _, j := range list {
				if len(j.History) == 1 && j.Run == nil {
					done++
				}
			}
			if done < n {
				return fmt.Errorf("%d of %d Jobs have run", done, all)
			}
			return nil
		}), "waiting for the runs")
		return list
	}
	ended(all / 3)
	after := peak(c.PID())
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	ended(2 * all / 3)
	after = max(after, peak(c.PID()))
	agentAfter := peak(agents[0].PID())
	agents[0].Kill()
	s.must(agents[0].Start(flags...), "starting the agent again")
	for _, j := range ended(all) {
		if h := j.History[0]; h.Outcome != "succeeded" || h.Try != 1 || h.Why != "schedule" {
			t.Errorf("a run ended %+v", h)
		}
	}
	t.Logf("%d Jobs ran within %s; the most memory before and after: cloud %d and %d MB, agent %d and %d MB",
		all, time.Since(at).Round(time.Second), before[0]>>20, after>>20, before[1]>>20, agentAfter>>20)
	if more := agentAfter - before[1]; more > 48<<20 {
		t.Errorf("the agent takes %d MB more", more>>20)
	}
	// Most of this is the race detector's, which takes ten times what the program does (bench jobs: 6 KB a
	// Job), and the rest what its store wrote last.
	if more := after - before[0]; more > 96<<20+int64(all)*128<<10 {
		t.Errorf("the cloud takes %d MB more", more>>20)
	}

	// Each once, and no server ran more at once than it has executors.
	runs := 0
	for _, env := range append(envs, "large") {
		text, err := os.ReadFile(log(env))
		s.must(err, "reading what the Apps noted")
		at := 0
		for line := range strings.Lines(string(text)) {
			if line == "+\n" {
				at, runs = at+1, runs+1
			} else {
				at--
			}
			if at > executors {
				t.Fatalf("the server of %s runs %d Apps at once", env, at)
			}
		}
	}
	if runs != all {
		t.Errorf("%d runs of %d Jobs", runs, all)
	}

	// Fairly: the orders of the small ones were not made behind those of the large one.
	var list []struct {
		Environment string    `json:"environment"`
		Attempt     int       `json:"attempt"`
		Created     time.Time `json:"created"`
	}
	s.must(c.JSON(context.WithoutCancel(s.ctx), &list, "execution", "list", "--limit", strconv.Itoa(min(all, 10_000))), "listing the executions")
	last := at
	for _, e := range list {
		if e.Attempt > 2 { // what was sent when the agent was killed, and certainly not started, comes again
			t.Errorf("an order had %d attempts", e.Attempt)
		}
		if e.Environment != "large" && e.Created.After(last) {
			last = e.Created
		}
	}
	first := 0
	for _, e := range list {
		if e.Environment == "large" && e.Created.Before(last) {
			first++
		}
	}
	if first > 64 { // those between, and what is written at the same time
		t.Errorf("%d orders of the large Environment were made before the last one of the small ones", first)
	}
}
