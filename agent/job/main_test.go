//go:build unix

package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test program be the shim, as tcenvsvr is, and an agent that can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "job-shim":
			if filepath.Base(os.Args[0]) == oldShim {
				os.Exit(oldShimMain())
			}
			os.Exit(ShimMain(os.Stdin, os.Stdout, os.Stderr))
		case "test-agent":
			os.Exit(agentMain())
		case "test-stranger":
			os.Exit(strangerMain())
		}
	}
	os.Exit(m.Run())
}

// agentMain starts the launch on stdin, says so and waits for its end.
func agentMain() int {
	var l Launch
	if err := json.NewDecoder(os.Stdin).Decode(&l); err != nil {
		fmt.Println(err)
		return 1
	}
	e, err := NewExecutor(Config{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := e.Start(context.Background(), l)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("started")
	if _, err := p.Wait(context.Background()); err != nil {
		return 1
	}
	return 0
}

func newExecutor(t testing.TB) *Executor {
	t.Helper()
	return executor(t, Config{})
}

func executor(t testing.TB, c Config) *Executor {
	t.Helper()
	e, err := NewExecutor(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// jobDir makes a job's folder as deep as real ones: deeper than the path of a socket may be.
func jobDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30), "session-1")
	for _, sub := range []string{"in", "out", "log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o770); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell is a launch of a shell script. TMPDIR is what real Apps are given, too.
func shell(t testing.TB, script string) Launch {
	dir := jobDir(t)
	return Launch{
		ID: "session-1", Dir: dir, Argv: []string{"/bin/sh", "-c", script},
		Env: []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir + "/tmp"}, Grace: 200 * time.Millisecond,
	}
}

func start(t testing.TB, l Launch) *Process {
	t.Helper()
	p, err := newExecutor(t).Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endLeftovers(t, p) })
	return p
}

// endLeftovers is for tests that fail: nothing of theirs runs on.
func endLeftovers(t testing.TB, p *Process) {
	if t.Failed() {
		_, _ = p.e.reap(context.Background(), p.dir, &p.status)
	}
}

func wait(t testing.TB, p *Process) Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exit, err := p.Wait(ctx)
	if err != nil {
		t.Fatalf("Wait: %v", err)
	}
	return exit
}

func run(t testing.TB, l Launch) Exit {
	t.Helper()
	return wait(t, start(t, l))
}

// await waits until the script has written path, and returns what it wrote up to the first end of
// line.
func await(t testing.TB, path string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if data, err := os.ReadFile(path); err == nil && bytes.HasSuffix(data, []byte("\n")) {
			return strings.TrimSpace(string(data))
		}
	}
	t.Fatalf("%q did not appear", path)
	return ""
}

// nothingLeft checks that no process has the job's folder in its environment.
func nothingLeft(t testing.TB, dir string) {
	t.Helper()
	if left := mentioning(t, dir); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
}

func mentioning(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("no /proc on this system")
	}
	var found []string
	for _, e := range entries {
		base := filepath.Join("/proc", e.Name())
		env, err := os.ReadFile(filepath.Join(base, "environ"))
		if err == nil && bytes.Contains(env, []byte(dir)) {
			cmd, _ := os.ReadFile(filepath.Join(base, "cmdline"))
			stat, _ := os.ReadFile(filepath.Join(base, "stat"))
			found = append(found, fmt.Sprintf("%s %s", stat, cmd))
		}
	}
	return found
}

func startError(t testing.TB, err error) *StartError {
	t.Helper()
	e, ok := errors.AsType[*StartError](err)
	if !ok {
		t.Fatalf("%v is no StartError", err)
	}
	return e
}

func output(t testing.TB, dir string, s Stream) string {
	t.Helper()
	f, err := OpenOutput(dir, s)
	if errors.Is(err, fs.ErrNotExist) {
		return "" // it is made when there is some
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
