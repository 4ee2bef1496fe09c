package job

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// systemd does what tc-job.socket and tc-job@.service are for: it runs exe for each connection, as
// nobody, without the right to gain privileges.
func systemd(t *testing.T, exe string) (path string, shims <-chan *os.Process) {
	t.Helper()
	path = filepath.Join(filepath.Dir(exe), "tc-job.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan *os.Process, 16)
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			file, err := conn.File()
			_ = conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			shim := exec.Command("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs", "--", exe, ShimCommand)
			shim.Env, shim.Dir = []string{}, "/"
			shim.Stdin, shim.Stdout = file, file
			if err := shim.Start(); err != nil {
				t.Error(err)
				return
			}
			_ = file.Close()
			started <- shim.Process
			running.Go(func() { _ = shim.Wait() })
		}
	})
	return path, started
}

// behindSocket is sandboxed by a Socket.
func behindSocket(t *testing.T, script string) (*Executor, Launch, <-chan *os.Process) {
	t.Helper()
	e, l := sandboxed(t, script)
	path, shims := systemd(t, e.exe)
	e.runner = Socket{Path: path}
	return e, l, shims
}

func TestSocket(t *testing.T) {
	e, l, _ := behindSocket(t, `id -un; grep NoNewPrivs /proc/self/status; stat -c %U:%a in/secret; cat in/secret; sleep 1000 & echo > out/ready; sleep 1000`)
	l.Files = []File{{Path: "in/secret", Data: []byte(strings.Repeat("secret\n", 100_000))}} // more than any buffer
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endLeftovers(t, p) })
	await(t, l.Dir+"/out/ready")
	if p, err = e.Attach(l.Dir, Status{}); err != nil { // an agent that came later
		t.Fatal(err)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonCancelled || exit.Killed == 0 || exit.Stdout.Written < 700_000 {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
	if got, want := output(t, l.Dir, Stdout), "nobody\nNoNewPrivs:\t1\nnobody:600\nsecret\n"; !strings.HasPrefix(got, want) {
		t.Errorf("stdout: %.100q, want %q", got, want)
	}
	if err := e.Clear(t.Context(), l.Dir); err != nil {
		t.Errorf("Clear: %v", err)
	}
}

// TestSocketWithPrewarmedShim: a connection that waits is used; one that broke is not missed. Each job has a
// service of its own, unless its App has mounts of its own.
func TestSocketWithPrewarmedShim(t *testing.T) {
	for name, dead := range map[string]bool{"waiting": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			e, l, shims := behindSocket(t, "exit 3")
			serve(t, e, 1)
			first, h := <-shims, waiting(t, e, 1)[0]
			if dead {
				_ = first.Kill()
				<-h.ended
			}
			p, exit := one(t, e, l)
			if exit.Code != 3 {
				t.Errorf("%+v", exit)
			}
			if used := p.Status().ShimPID == first.Pid; used == dead {
				t.Errorf("the prewarmed shim was used: %v", used)
			}
			if next := waiting(t, e, 1)[0]; next == h {
				t.Error("the shim of an App without mounts of its own serves again")
			}
		})
	}
}

func TestSocketRefused(t *testing.T) {
	_, dir := public(t)
	listen := func(name string, serve func(net.Conn)) string {
		path := filepath.Join(dir, name)
		ln, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				serve(c)
			}
		}()
		return path
	}
	closes := listen("closes", func(c net.Conn) { _, _ = bufio.NewReader(c).ReadString('\n'); _ = c.Close() })
	deaf := listen("deaf", func(c net.Conn) { t.Cleanup(func() { _ = c.Close() }) })
	dead := filepath.Join(dir, "dead")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		runner    Socket
		code, say string
	}{
		"no socket":      {Socket{Path: dir + "/none"}, spec.CodeNoSocket, "systemctl enable --now tc-job.socket"},
		"nobody listens": {Socket{Path: dead}, spec.CodeNoSocket, "systemctl enable --now tc-job.socket"},
		"another's":      {Socket{Path: closes, listener: os.Getuid() + 1}, spec.CodeNoSocket, "secrets are told to systemd's socket only"},
		"without a word": {Socket{Path: closes, listener: os.Getuid()}, spec.CodeShim, "journalctl -u 'tc-job@*'"},
		"without an end": {Socket{Path: deaf, listener: os.Getuid()}, spec.CodeTimeout, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newExecutor(t)
			e.runner = c.runner
			limit := 30 * time.Second // only a hang reaches it
			if c.code == spec.CodeTimeout {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			l := shell(t, "true")
			_, err := e.Start(ctx, l)
			if got := startError(t, err); got.Code != c.code || !strings.Contains(got.Error(), c.say) {
				t.Errorf("got %q: %v, want %q: %q", got.Code, got, c.code, c.say)
			}
		})
	}
}

// TestClear: the user of Apps removes its own, whatever an App did to it, and nothing that a link
// leads to.
func TestClear(t *testing.T) {
	e, l := sandboxed(t, `mkdir -p tmp/a/b && touch tmp/a/b/c && ln -s `+"%s"+` tmp/a/link && chmod 0 tmp/a/b && chmod 500 tmp/a`)
	kept := filepath.Join(filepath.Dir(e.exe), "kept")
	if err := os.Mkdir(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept+"/file", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	l.Argv[2] = strings.ReplaceAll(l.Argv[2], "%s", kept)
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 0 {
		t.Fatalf("%+v", exit)
	}
	if err := e.Clear(t.Context(), filepath.Join(l.Dir, "tmp")); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(l.Dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := os.Stat(kept + "/file"); err != nil {
		t.Errorf("what the link leads to: %v", err)
	}
	if err := e.Clear(t.Context(), l.Dir+"/none"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestReadable(t *testing.T) {
	e, l := sandboxed(t, "true")
	open, closed := filepath.Join(l.Dir, "in", "open"), filepath.Join(l.Dir, "in", "closed")
	if err := errors.Join(os.WriteFile(open, []byte("x"), 0o644), os.WriteFile(closed, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := e.Readable(t.Context(), []string{open, open}); err != nil {
		t.Errorf("readable: %v", err)
	}
	for _, path := range []string{closed, l.Dir + "/none"} {
		if err := e.Readable(t.Context(), []string{open, path}); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	e.runner = Socket{Path: l.Dir + "/none"}
	if err := e.Readable(t.Context(), []string{open}); err == nil || errors.Is(err, ErrUnreadable) {
		t.Errorf("without a way to try: %v", err)
	}
}
