package cloud_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/test/disk"
)

const (
	reportTimeout   = 10 * time.Second // a bad disk is told
	recoveryTimeout = 30 * time.Second // after its cause has ended
)

// told is what an operator and a balancer see.
type told struct {
	exit            int
	text            string
	healthz, readyz int
}

func (c *running) told() told {
	c.t.Helper()
	var out, errs bytes.Buffer
	got := told{exit: cli.Main([]string{"status", "--data", c.dir}, strings.NewReader(""), &out, &errs)}
	got.text = out.String() + errs.String()
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: timeout} //nolint:gosec // only the status matters
	defer https.CloseIdleConnections()
	for path, status := range map[string]*int{"healthz": &got.healthz, "readyz": &got.readyz} {
		res, err := https.Get(c.endpoint.URL + "/" + path)
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		*status = res.StatusCode
	}
	return got
}

// until waits for what must be told.
func (c *running) until(limit time.Duration, exit, healthz, readyz int, text ...string) {
	c.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		got := c.told()
		ok := got.exit == exit && got.healthz == healthz && got.readyz == readyz
		for _, s := range text {
			ok = ok && strings.Contains(got.text, s)
		}
		if ok {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("after %s status exits %d, healthz %d, readyz %d, want %d, %d, %d and %q:\n%s",
				limit, got.exit, got.healthz, got.readyz, exit, healthz, readyz, text, got.text)
		}
	}
}

// TestDiskFills: what a cloud says and does from nearly full to full, after a restart on the full
// disk, and when there is room again.
func TestDiskFills(t *testing.T) {
	t.Parallel()
	d := disk.New(t, disk.Size(220<<20))
	dir := filepath.Join(d.Dir, "cloud")
	c := start(t, dir)
	c.until(timeout, 0, 200, 200, "health", "ok: writes are durable", "are free at")
	must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	must(c.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Organization")), nil, false))(t)
	data, _, err := c.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	a := must(c.join(id))(t)
	q := v1.NewExecution{Environment: "lab", App: "App", Params: map[string]string{"user": "x"}}
	run := func() wire.Ref { must(c.Run(t.Context(), q))(t); return next[*wire.Order](a).Ref }
	first, second := run(), run()
	result := func(ref wire.Ref) {
		t.Helper()
		if err := a.Write(&wire.Result{Ref: ref, Outcome: wire.Succeeded}); err != nil {
			t.Fatal(err)
		}
	}

	d.Fill(20 << 20)
	c.until(reportTimeout, 6, 200, 503, "no_intake", "nearly full", "hint", "make room")
	if _, err := c.Run(t.Context(), q); err == nil || !strings.Contains(err.Error(), "nearly full") {
		t.Errorf("a new order on a nearly full disk: %v", err)
	}
	result(first) // the reserve is for that
	next[*wire.ResultAck](a)
	if e := must(c.Wait(t.Context(), first.Order, nil))(t); e.State != wire.State(wire.Succeeded) {
		t.Errorf("got %+v", e)
	}

	d.Fill(0)
	c.until(reportTimeout, 6, 503, 503, "failed", "it is full", "make room")
	result(second)
	if m, err := a.Read(timeout); err == nil {
		if ack, ok := m.(*wire.ResultAck); ok {
			t.Fatalf("the result was answered with %+v and is not stored", ack)
		}
	}
	if e := must(c.Execution(t.Context(), first.Order))(t); e.State != wire.State(wire.Succeeded) {
		t.Errorf("reading on a full disk: %+v", e)
	}
	if err := c.stop(); err != nil {
		t.Errorf("stopping on a full disk: %v", err)
	}
	c = start(t, dir)
	c.until(reportTimeout, 6, 503, 503, "failed", "it is full")
	if e := must(c.Execution(t.Context(), first.Order))(t); e.State != wire.State(wire.Succeeded) {
		t.Errorf("reading after a start on a full disk: %+v", e)
	}

	d.Free()
	c.until(recoveryTimeout, 0, 200, 200, "ok: writes are durable")
	id.env["brokerHost"] = c.endpoint.Broker
	a = c.rejoin(id, func(h *wire.Hello) { h.Results = []wire.Ref{second} })
	result(second)
	if e := must(c.Wait(t.Context(), second.Order, nil))(t); e.State != wire.State(wire.Succeeded) || e.Attempt != 1 {
		t.Errorf("after there is room again: %+v", e)
	}
	if s := c.log.String(); !strings.Contains(s, "health is well again") {
		t.Error("the log does not say that all is well again")
	}
}

// TestSmallDisk: a cloud starts where there is little, and again when there is less than its
// streams may hold.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	d := disk.New(t, disk.Size(3<<30))
	dir := filepath.Join(d.Dir, "cloud")
	c := start(t, dir)
	c.until(timeout, 0, 200, 200)
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	d.Fill(400 << 20)
	c = start(t, dir)
	c.until(timeout, 0, 200, 200)
	if s := must(c.Status(t.Context()))(t); s.Health.State != health.OK {
		t.Errorf("got %+v", s.Health)
	}
}

// TestDiskReadOnly: the kernel takes the disk away; it is said, and over when it is back.
func TestDiskReadOnly(t *testing.T) {
	t.Parallel()
	d := disk.New(t, disk.Size(128<<20))
	c := start(t, filepath.Join(d.Dir, "cloud"))
	c.until(timeout, 0, 200, 200)
	e := must(c.CreateEnvironment(t.Context(), "lab", ""))(t)
	d.ReadOnly()
	c.until(reportTimeout, 6, 503, 503, "read-only file system", "dmesg")
	if _, err := c.CreateEnvironment(t.Context(), "other", ""); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a change on a read-only disk: %v", err)
	}
	d.Writable()
	c.until(recoveryTimeout, 0, 200, 200)
	if got := must(c.Environment(t.Context(), "lab"))(t); got.Name != e.Name {
		t.Errorf("got %+v", got)
	}
}
