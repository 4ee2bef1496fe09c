package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
)

// The shim is this test program.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const (
	runContext = "11111111-2222-3333-4444-555555555555"
	secret     = "s3cr3t \"quoted\" \\ ü"
)

// host is everything an App needs, in this process.
type host struct {
	catalog *app.Catalog
	store   *api.Memory
	api     string
	jobs    *job.Executor
	dir     string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{store: api.NewMemory(), dir: t.TempDir()}
	var err error
	if h.catalog, err = app.Open(app.CatalogConfig{Dir: filepath.Join(h.dir, "programs")}); err != nil {
		t.Fatal(err)
	}
	if h.jobs, err = job.NewExecutor(job.Config{}); err != nil {
		t.Fatal(err)
	}
	s, err := api.Listen(api.Config{Store: h.store})
	if err != nil {
		t.Fatal(err)
	}
	h.api = s.APIPath()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

// install builds and installs a test App, or skips where this host lacks something.
func (h *host) install(t *testing.T, name string) app.App {
	t.Helper()
	file, err := apps.Build(name, t.TempDir())
	if errors.Is(err, apps.ErrNoJDK) || errors.Is(err, apps.ErrNoLibraries) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ref, err := app.RefOf(f, tcx.Limits{})
	if err != nil || !strings.HasPrefix(ref.Name, "Test_-_") || ref.Version != "1.0.0" {
		t.Errorf("got %+v, %v", ref, err)
	}
	a, err := h.catalog.InstallFile(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// start launches an App with parameters; change may edit the Execution.
func (h *host) start(t *testing.T, a app.App, params map[string]string, change func(*app.Execution)) (*job.Process, app.Execution) {
	t.Helper()
	id := strings.Map(func(r rune) rune {
		if r == '/' {
			return '-'
		}
		return r
	}, t.Name())
	e := app.Execution{
		Session: id, JobDir: filepath.Join(h.dir, id), AppParams: params, APIPath: h.api, Timeout: time.Minute, Grace: 200 * time.Millisecond,
		Playbook: a.Manifest.Is("Playbook"), KVContext: runContext, Path: os.Getenv("PATH"),
	}
	e.Token, e.TokenExpires = h.store.Issue(id, runContext, params, time.Hour)
	if change != nil {
		change(&e)
	}
	for _, name := range []string{"in", "out", "log", "tmp", "shim"} {
		if err := os.MkdirAll(filepath.Join(e.JobDir, name), 0o770); err != nil {
			t.Fatal(err)
		}
	}
	l, err := a.Launch(e)
	if code := app.Code(err); code == "app.no_python" || code == "app.no_java" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.jobs.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return p, e
}

// run runs an App to its end and returns what came of it.
func (h *host) run(t *testing.T, name string, params map[string]string, change func(*app.Execution)) (job.Exit, app.Collected, app.Execution) {
	t.Helper()
	a := h.install(t, name)
	p, e := h.start(t, a, params, change)
	exit, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if exit.Reason != "" || exit.Code < 0 || exit.StderrTail != "" {
		t.Logf("exit %+v", exit)
	}
	c, err := app.Collect(e.JobDir, a.Manifest)
	if err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(e.JobDir, "in")); len(left) != 0 || err != nil {
		t.Errorf("left in the folder of secrets: %v, %v", left, err)
	}
	return exit, c, e
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

func TestPlaybookApp(t *testing.T) {
	h := newHost(t)
	types := []string{"String", "StringArray", "Binary", "BinaryArray", "KeyValue", "KeyValueArray", "TCEntity", "TCEntityArray", "TCEnhancedEntityArray"}
	values := []string{
		`"abc ü"`, `["x",null,"yz"]`, `"AAH/"`, `["aGk=",null]`, `{"key":"k","value":"12"}`, `[{"key":"a","value":"b"}]`,
		`{"id":"1","value":"1.2.3.4","type":"Address"}`, `[{"id":"1","value":"ab","type":"Host"},{"id":"2","value":"cd","type":"Host"}]`, `[{"id":7}]`,
	}
	want := []string{
		`"\u00fc cba"`, `["zy", null, "x"]`, `"/wEA"`, `[null, "aWg="]`, `{"key": "k", "value": "21"}`, `[{"key": "a", "value": "b"}]`,
		`{"id": "1", "value": "4.3.2.1", "type": "Address"}`, `[{"id": "2", "value": "dc", "type": "Host"}, {"id": "1", "value": "ba", "type": "Host"}]`, `[{"id": 7}]`,
	}
	params := map[string]string{}
	var outputs []string
	for i, typ := range types {
		variable := fmt.Sprintf("#App:7979:in.%d!%s", i, typ)
		params["in_"+strings.ToLower(typ)] = variable
		if err := h.store.Put(t.Context(), runContext, variable, []byte(values[i])); err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, fmt.Sprintf("#App:7980:out.%s!%s", strings.ToLower(typ), typ))
	}
	exit, c, e := h.run(t, "playbook", params, func(e *app.Execution) { e.OutVariables = outputs })
	if exit.Code != 0 || c.Message != "9 variables read, 9 written" {
		t.Fatalf("got %d %q, stderr %q", exit.Code, c.Message, exit.StderrTail)
	}
	got := h.store.Values(runContext)
	for i, variable := range outputs {
		if string(got[variable]) != want[i] {
			t.Errorf("%s: got %s, want %s", variable, got[variable], want[i])
		}
	}
	if log, err := job.OpenOutput(e.JobDir, job.Log); err != nil {
		t.Error(err)
	} else {
		text, _ := io.ReadAll(log)
		_ = log.Close()
		if !strings.Contains(string(text), "read 9 and wrote 9 variables") {
			t.Errorf("got log %q", text)
		}
	}
}

// TestWorkersApp: what a process says that the App left behind, and that is ended after it, is not
// the App's word.
func TestWorkersApp(t *testing.T) {
	h := newHost(t)
	exit, c, _ := h.run(t, "workers", nil, func(e *app.Execution) { e.Grace = 10 * time.Second })
	if exit.Code != 0 || c.Message != "Success" || c.Results["count"] != "285" {
		t.Errorf("got %d %q %v, stderr %q", exit.Code, c.Message, c.Results, exit.StderrTail)
	}
	if exit.Killed == 0 {
		t.Error("nothing was left behind")
	}
}

func TestJobApp(t *testing.T) {
	h := newHost(t)
	exit, c, e := h.run(t, "job", map[string]string{"owner": "Örg", "api_key": secret, "tags": "red|blue", "verbose": "true", "count": "4"},
		func(e *app.Execution) { e.Defaults = map[string]string{"tc_log_to_api": "true"} })
	if got := app.Outcome(exit.Code, false); got != wire.Partial || c.Message != "4 rows for Örg, one source did not answer" {
		t.Fatalf("got %q %q, stderr %q", got, c.Message, exit.StderrTail)
	}
	if len(c.Results) != 2 || c.Results["count"] != "5" || c.Results["last_run"] != "2026-01-02T03:04:05Z" {
		t.Errorf("got results %v", c.Results)
	}
	a := h.install(t, "job")
	published, err := app.Published(e.JobDir, a.Manifest)
	if err != nil || len(published) != 2 || published[0].Name != "data/summary.json" || published[1].Name != "report.csv" {
		t.Fatalf("got %+v, %v", published, err)
	}
	var summary struct {
		Tags   []string
		APIKey string `json:"api_key_sha256"`
	}
	data, _ := io.ReadAll(io.NewSectionReader(published[0].File, 0, published[0].Size))
	for _, p := range published {
		_ = p.File.Close()
	}
	if err := json.Unmarshal(data, &summary); err != nil || !slices.Equal(summary.Tags, []string{"red", "blue"}) || summary.APIKey[:12] != short(secret) {
		t.Errorf("got %s, %v", data, err)
	}
	if got := h.store.Log(e.Session); len(got) != 1 || got[0].Message != "job at work for Örg" {
		t.Errorf("got log over the API %v", got)
	}
	// A Playbook App that comes to 3 has failed.
	if got := app.Outcome(exit.Code, true); got != wire.Failed {
		t.Errorf("got %q", got)
	}
}

func TestLegacyApps(t *testing.T) {
	params := map[string]string{"name": "Örg -x", "secret": secret, "tags": "a|b c", "flag": "true", "other_flag": "false", "number": "-5"}
	for name, line := range map[string]string{"legacy": "secure parameters", "legacy-cli": "plain arguments"} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			exit, c, e := h.run(t, name, params, nil)
			want := "name=Örg -x number=-5 tags=a,b c flag=True other_flag=False verify=True secret_sha256=" + short(secret)
			if exit.Code != 0 || c.Message != want || c.Results["last_run"] != "now" {
				t.Fatalf("got %d %q %v, stderr %q", exit.Code, c.Message, c.Results, exit.StderrTail)
			}
			if out := output(t, e); out != line+"\n" {
				t.Errorf("got %q", out)
			}
		})
	}
}

func TestJavaApps(t *testing.T) {
	for name, line := range map[string]string{"java": "with the encrypted file", "java-cli": "with system properties"} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			input, outputs := "#App:1:in!String", []string{"#App:2:out.string!String"}
			if err := h.store.Put(t.Context(), runContext, input, []byte(`"abc \"ü\" \\"`)); err != nil {
				t.Fatal(err)
			}
			exit, c, e := h.run(t, name, map[string]string{"in_string": input, "secret": secret, "flag": "true"},
				func(e *app.Execution) { e.OutVariables = outputs })
			if want := `result=\ "ü" cba written=1 flag=true secret_sha256=` + short(secret); exit.Code != 0 || c.Message != want {
				t.Fatalf("got %d %q, stderr %q, want %q", exit.Code, c.Message, exit.StderrTail, want)
			}
			var got string
			if err := json.Unmarshal(h.store.Values(runContext)[outputs[0]], &got); err != nil || got != `\ "ü" cba` {
				t.Errorf("got %q, %v", got, err)
			}
			if out := output(t, e); !strings.Contains(out, line) {
				t.Errorf("got %q", out)
			}
		})
	}
}

// TestHeavyApps: those that are as large as Apps of customers, and that are measured, do their work.
func TestHeavyApps(t *testing.T) {
	for name, want := range map[string]struct{ line, message string }{
		"framework":        {"started with ", "framework Örg"},
		"framework-source": {"started with ", "framework Örg"},
		"java-http":        {"started on ", "fetched 3 tags"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			exit, c, e := h.run(t, name, map[string]string{"text": "Örg", "secret": secret}, nil)
			if out := output(t, e); exit.Code != 0 || c.Message != want.message || !strings.HasPrefix(out, want.line) {
				t.Errorf("got %d %q %q, stderr %q", exit.Code, c.Message, out, exit.StderrTail)
			}
		})
	}
}

// output is what the App printed.
func output(t *testing.T, e app.Execution) string {
	t.Helper()
	f, err := job.OpenOutput(e.JobDir, job.Stdout)
	if errors.Is(err, fs.ErrNotExist) {
		return "" // it is made when there is some
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStubbornAppIsEnded(t *testing.T) {
	h := newHost(t)
	p, e := h.start(t, h.install(t, "stubborn"), map[string]string{"children": "3"}, nil)
	for !strings.Contains(output(t, e), "ready with 5 processes") {
		if t.Context().Err() != nil {
			t.Fatal("not ready")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	exit, err := p.Wait(t.Context())
	if err != nil || exit.Reason != job.ReasonCancelled || exit.Signal == "" {
		t.Errorf("got %+v, %v", exit, err)
	}
}

func TestFloodIsBounded(t *testing.T) {
	h := newHost(t)
	exit, c, e := h.run(t, "flood", map[string]string{"bytes": "50000000"}, func(e *app.Execution) { e.MaxOutput = 1 << 20 })
	if exit.Code != 0 || exit.Stdout.Written != 50_000_000 || c.Message != "printed 50000000 and 1048576 bytes" {
		t.Errorf("got %+v %q", exit, c.Message)
	}
	if n := len(output(t, e)); n > 2<<20 {
		t.Errorf("kept %d bytes", n)
	}
}

func TestSleepLeavesOneMark(t *testing.T) {
	h := newHost(t)
	marks := filepath.Join(t.TempDir(), "marks")
	for i := range 2 {
		name := fmt.Sprintf("%d", i)
		t.Run(name, func(t *testing.T) {
			if _, c, _ := h.run(t, "sleep", map[string]string{"seconds": "0.01", "marker_file": marks}, nil); c.Message != "slept 0.01 seconds" {
				t.Errorf("got %q", c.Message)
			}
		})
	}
	if data, err := os.ReadFile(marks); err != nil || strings.Count(string(data), "\n") != 2 {
		t.Errorf("got %q, %v", data, err)
	}
}
