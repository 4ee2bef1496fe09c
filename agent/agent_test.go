package agent

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/agent/job/services"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/order/journal"
	"tcenvsvr/test/need"
)

// TestMain is also the shim of the jobs that the tests start.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(services.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const secret = "s3cret-of-the-order"

// script is an App that does what its parameter "do" says, after it has noted its start in the file
// that "starts" names.
const script = `
import os, sys, time
args = dict(a[2:].split("=", 1) if "=" in a else (a[2:], "") for a in sys.argv[1:] if a.startswith("--"))
def value(name):
    i = sys.argv.index("--" + name)
    return sys.argv[i + 1]
with open(value("starts"), "a") as f:
    f.write("started\n")
print("hello from the app", flush=True)
exec(value("do"))
`

// appCloud is the API: it knows one App.
type appCloud struct {
	tcx   []byte
	ref   wire.AppRef
	block chan struct{} // not nil: downloads wait for it
	deny  error         // not nil: downloads fail with it
	slow  chan struct{} // not nil: uploads say here that they began, and take for ever

	mu       sync.Mutex
	uploaded map[string]string
}

func newCloud(t testing.TB) *appCloud {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"Script_v1/install.json": `{"programLanguage":"PYTHON","programMain":"run.py","programName":"Script","programVersion":"1.0.0",
			"runtimeLevel":"Organization","publishOutFiles":["*.txt"],"params":[{"name":"answer","type":"String"},{"name":"do","type":"String"},{"name":"starts","type":"String"},{"name":"password","type":"String","encrypt":true}]}`,
		"Script_v1/run.py": script,
	} {
		w, err := z.Create(name)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, err)
	}
	must(t, z.Close())
	sum := sha256.Sum256(b.Bytes())
	return &appCloud{
		tcx: b.Bytes(), uploaded: map[string]string{},
		ref: wire.AppRef{Name: "Script", Version: "1.0.0", Size: int64(b.Len()), SHA256: wire.SHA256(hex.EncodeToString(sum[:]))},
	}
}

func (c *appCloud) Download(ctx context.Context, _ wire.SHA256, offset int64) (io.ReadCloser, error) {
	if c.deny != nil {
		return nil, c.deny
	}
	if c.block != nil {
		select {
		case <-c.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return io.NopCloser(bytes.NewReader(c.tcx[offset:])), nil
}

func (c *appCloud) Params(context.Context, wire.Ref) (map[string]string, error) {
	return nil, errors.New("not asked for in these tests")
}

func (c *appCloud) Upload(ctx context.Context, ref wire.Ref, name string, r io.ReaderAt, size int64) (wire.SHA256, error) {
	if c.slow != nil {
		select {
		case c.slow <- struct{}{}:
		case <-ctx.Done():
		}
		<-ctx.Done()
		return "", ctx.Err()
	}
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uploaded[ref.String()+"/"+name] = string(b)
	return wire.SHA256(strings.Repeat("0", 64)), nil
}

type machine struct {
	boot  string
	mu    sync.Mutex
	free  uint64
	files uint64 // that may still be made; 0 = many
}

func (m *machine) BootID() string                 { return m.boot }
func (m *machine) Info(context.Context) wire.Info { return wire.Info{Hostname: "test"} }
func (m *machine) Room() (bytes, files uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.free, cmp.Or(m.files, 1<<20), nil
}

// rig is one host: what outlives an agent.
type rig struct {
	t      testing.TB
	dir    string
	broker *linktest.Broker
	cloud  *appCloud
	host   *machine
	slots  int
	places int        // for services
	fenced []wire.Ref // by the next welcome of a cloud with services
	python string     // interpreter, "" = the host's
	log    *syncBuffer
	// protect makes the guard of an agent; nil = there is none.
	protect func(*app.Catalog) *guard.Guard

	agent  *Agent
	cancel context.CancelFunc
	done   chan error
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRig(t testing.TB) *rig {
	need.Python(t)
	r := &rig{
		t: t, dir: t.TempDir(), broker: linktest.Start(t, linktest.Config{}), cloud: newCloud(t),
		host: &machine{boot: "boot-1", free: 1 << 40}, slots: 2, places: 1, log: &syncBuffer{},
	}
	t.Cleanup(func() {
		if r.cancel != nil {
			r.stop()
		}
		if strings.Contains(r.log.String(), secret) {
			t.Error("a parameter is in the log")
		}
		if t.Failed() {
			t.Logf("log of the agent:\n%s", r.log)
		}
	})
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs an agent on the host and waits for its session.
func (r *rig) start() *linktest.Session {
	r.t.Helper()
	must(r.t, os.MkdirAll(filepath.Join(r.dir, "jobs"), 0o755))
	j, err := journal.Open(filepath.Join(r.dir, "journal"), nil)
	must(r.t, err)
	apps, err := app.Open(app.CatalogConfig{Dir: filepath.Join(r.dir, "programs")})
	must(r.t, err)
	logger := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var protection *guard.Guard
	if r.protect != nil {
		protection = r.protect(apps)
	}
	jobs, err := job.NewExecutor(job.Config{Logger: logger})
	must(r.t, err)
	r.agent = New(Config{
		Guard:    protection,
		Identity: Identity{ServerXID: "xid", ServerName: "test", BrokerToken: secret},
		Limits:   Limits{Executors: r.slots, Services: r.places}, JobsDir: filepath.Join(r.dir, "jobs"),
		Journal: j, Apps: apps, Jobs: jobs, Cloud: r.cloud, Host: r.host,
		Execution: func(context.Context, string) (app.Execution, error) {
			return app.Execution{APIPath: "https://cloud.test/api", Path: os.Getenv("PATH"), PythonHome311: r.python, Grace: time.Second}, nil
		},
		MakeJobDir: janitor.Make, Audit: audit.Open(filepath.Join(r.dir, "audit.jsonl")), Logger: logger,
	})
	l, err := link.New(link.Config{Address: r.broker.Address(), TLS: r.broker.TLS(r.t), Hello: r.agent.Hello, Handler: r.agent})
	must(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	go func() {
		err := r.agent.Run(ctx, l, l.Run)
		r.done <- errors.Join(err, j.Close())
	}()
	return r.broker.Accept(r.t)
}

// stop ends the agent as a restart does: jobs go on.
func (r *rig) stop() {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.done:
		must(r.t, err)
	case <-time.After(20 * time.Second):
		r.t.Fatal("the agent did not stop")
	}
	r.cancel = nil
}

// order makes an order whose App does what the Python text says.
func (r *rig) order(id string, do string) *wire.Order {
	return &wire.Order{
		Ref: wire.Ref{Order: wire.OrderID(id), Attempt: 1}, Runtime: wire.RuntimeJob, App: r.cloud.ref,
		Params:    map[string]string{"do": do, "starts": r.startsFile(id), "password": secret},
		TimeoutMS: 60_000, Token: secret, TokenTTLMS: 60_000,
	}
}

func (r *rig) startsFile(id string) string { return filepath.Join(r.dir, "starts-"+id) }

// starts counts how often the App of an order was started.
func (r *rig) starts(id string) int {
	b, err := os.ReadFile(r.startsFile(id))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

// warm installs the App, so that later orders start at once.
func (r *rig) warm(s *linktest.Session) {
	r.t.Helper()
	o := r.order("warm", "pass")
	s.Send(r.t, o)
	linktest.Expect[*wire.Ready](r.t, s)
	s.Send(r.t, &wire.Start{Ref: o.Ref})
	r.result(s, o.Ref, wire.Succeeded)
}

// result waits for a result, checks and acknowledges it.
func (r *rig) result(s *linktest.Session, ref wire.Ref, want wire.Outcome) *wire.Result {
	r.t.Helper()
	for {
		m := linktest.Expect[*wire.Result](r.t, s)
		if m.Ref != ref {
			continue
		}
		if m.Outcome != want {
			r.t.Fatalf("order %s ended %s (%s: %s); want %s", ref, m.Outcome, m.Error, m.Message, want)
		}
		s.Send(r.t, &wire.ResultAck{Ref: ref})
		return m
	}
}

// eventually waits for a condition of the agent's own.
func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never: %s", what)
		}
	}
}

func running(s *linktest.Session, t testing.TB) {
	t.Helper()
	for linktest.Expect[*wire.Progress](t, s).State != wire.StateRunning {
	}
}
