package cloud_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// timeout bounds waiting for what must come.
const timeout = 20 * time.Second

// running is a whole one in this process, and a client of it.
type running struct {
	t *testing.T
	*client.Client
	dir      string
	endpoint client.Endpoint
	log      *journal
	stop     func() error
}

// journal is a log to search through.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

func start(t *testing.T, dir string, change ...func(*cloud.Config)) *running {
	t.Helper()
	c := &running{t: t, dir: dir, log: new(journal)}
	cfg := cloud.Config{
		Data: dir, BrokerAddr: "127.0.0.1:0", APIAddr: "127.0.0.1:0", Version: "test", Notice: c.log,
		Logger: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cloud.Run(ctx, cfg) }()
	var once sync.Once
	var result error
	c.stop = func() error {
		once.Do(func() {
			cancel()
			result = <-done
		})
		return result
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Errorf("the cloud ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the cloud's log:\n%s", c.log)
		}
	})
	for deadline := time.Now().Add(timeout); ; {
		e, err := client.ReadEndpoint(dir)
		if err == nil {
			c.endpoint = e
			break
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("the cloud did not start: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cloud does not get ready: %v", err)
		}
	}
	resolved, err := client.Resolve(client.Source{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	c.Client = client.New(resolved)
	return c
}

// must fails the test on an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// identity is what a bundle says, as an agent reads it.
type identity struct {
	env   map[string]string
	cert  tls.Certificate
	roots *x509.CertPool
}

func open(t *testing.T, data []byte) identity {
	t.Helper()
	z := must(zip.NewReader(bytes.NewReader(data), int64(len(data))))(t)
	read := func(name string) []byte {
		f, err := z.Open("threatconnect-envsvr/.tcenvsvr/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return must(io.ReadAll(f))(t)
	}
	id := identity{env: make(map[string]string), roots: x509.NewCertPool()}
	for line := range strings.Lines(string(read("environment.env"))) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		id.env[k] = v
	}
	key, cert, cas, err := pkcs12.DecodeChain(read("keystore.p12"), id.env["keystorePassword"])
	if err != nil {
		t.Fatal(err)
	}
	id.cert = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	for _, ca := range cas {
		id.roots.AddCert(ca)
	}
	return id
}

// agent is the agent's end of a session.
type agent struct {
	*testing.T
	*conn.Conn
}

// join opens a session; the error is the cloud's code.
func (c *running) join(id identity, change ...func(*wire.Hello)) (*agent, error) {
	c.t.Helper()
	nc, err := tls.Dial("tcp", id.env["brokerHost"], &tls.Config{
		Certificates: []tls.Certificate{id.cert}, RootCAs: id.roots, NextProtos: []string{wire.ALPN}, MinVersion: tls.VersionTLS13,
	})
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { _ = nc.Close() })
	a := &agent{c.t, conn.Raw(nc)}
	hello := &wire.Hello{
		Protocol: 1, BrokerToken: id.env["brokerToken"], ServerXID: wire.ServerXID(id.env["serverXid"]),
		ServerName: id.env["serverName"], Version: "9", OS: "linux", Arch: "amd64", BootID: "b", Slots: 2, Executors: 2,
	}
	for _, f := range change {
		f(hello)
	}
	if err := a.Write(hello); err != nil {
		return nil, err
	}
	m, err := a.Read(timeout)
	if e, ok := m.(*wire.Error); ok {
		return nil, errors.New(string(e.Code))
	}
	return a, err
}

// next returns the next message that is an M.
func next[M wire.Message](a *agent) M {
	a.Helper()
	for {
		m, err := a.Read(timeout)
		if err != nil {
			a.Fatalf("waiting for %T: %v", *new(M), err)
		}
		switch m := m.(type) {
		case M:
			return m
		case *wire.Ping:
			_ = a.Write(&wire.Pong{Seq: m.Seq})
		default:
			a.Logf("skipped %s", m.Kind())
		}
	}
}

// tcx makes a package file's content.
func tcx(t *testing.T, name, version, level string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w := must(z.Create(name + "_v1/install.json"))(t)
	fmt.Fprintf(w, `{"programName":%q,"programVersion":%q,"programLanguage":"PYTHON","programMain":"run.py","runtimeLevel":%q,
		"features":["fileParams"],"params":[{"name":"user","type":"String","required":true},{"name":"password","type":"String","encrypt":true}],
		"playbook":{"outputVariables":[{"name":"out","type":"String"}]}}`, name, version, level)
	must(z.Create(name + "_v1/run.py"))(t)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bundle is one in memory.
func (c *running) bundle(ctx context.Context, environment string, q v1.NewBundle) ([]byte, wire.ServerXID, error) {
	var b bytes.Buffer
	made, err := c.Client.Bundle(ctx, environment, q, &b)
	return b.Bytes(), made.Server, err
}

// setup is a cloud with an Environment, an App and a connected agent.
func setup(t *testing.T) (*running, identity, *agent) {
	t.Helper()
	c := start(t, filepath.Join(t.TempDir(), "data"))
	must(c.CreateEnvironment(t.Context(), "lab", "Ada"))(t)
	for _, level := range []string{"Organization", "Playbook"} {
		must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, level+"_App", "1.0.0", level)), nil, false))(t)
	}
	data, _, err := c.bundle(t.Context(), "lab", v1.NewBundle{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	return c, id, must(c.join(id))(t)
}

// logger writes into the same log.
func (c *running) logger() *slog.Logger { return slog.New(slog.NewTextHandler(c.log, nil)) }

func code(err error) string {
	if e, ok := errors.AsType[*v1.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

// files lists everything in the data folder with its mode.
func files(t *testing.T, dir string) map[string]os.FileMode {
	t.Helper()
	modes := make(map[string]os.FileMode)
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			rel, _ := filepath.Rel(dir, path)
			modes[rel] = info.Mode().Perm()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return modes
}
