//go:build unix

package launch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot"
)

const product = "tcenvsvr/updater/slot/launch/testdata/program"

// scene is a host without a package: program 1.0.0 is installed, 2.0.0 lies in the inbox.
type scene struct {
	*testing.T
	dir      string
	signals  chan os.Signal
	launcher Launcher
}

type verifier []release.Release

func (v verifier) Verify(context.Context, slot.Metadata) (slot.Signed, error) {
	return slot.Signed{Releases: v}, nil
}

var content []byte // of the program, without a version

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "launch")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "program")
	c := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", file, "./testdata/program")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		panic(string(out))
	}
	if content, err = os.ReadFile(file); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func newScene(t *testing.T, plans map[string]string) *scene {
	t.Helper()
	s := &scene{T: t, dir: t.TempDir(), signals: make(chan os.Signal, 2)}
	at := handover.UnpackagedPaths(filepath.Join(s.dir, "home"), filepath.Join(s.dir, "tcenvsvr"))
	for _, d := range []string{at.Slots, at.State, at.Inbox} {
		s.must(os.MkdirAll(d, 0o755))
	}
	s.must(os.WriteFile(at.Baseline, append(slices.Clone(content), "version 1.0.0"...), 0o755))
	next := append(slices.Clone(content), "version 2.0.0"...)
	sum := sha256.Sum256(next)
	rel := release.Release{Version: "2.0.0", OS: runtime.GOOS, Arch: runtime.GOARCH, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(next))}
	s.must(os.WriteFile(filepath.Join(at.Inbox, "artifact-"+rel.SHA256), next, 0o600))
	for v, plan := range plans {
		s.plan(v, plan)
	}
	slots := slot.New(slot.Config{Paths: at, Version: "1.0.0", Product: product, Owner: os.Geteuid(), Agent: os.Geteuid(),
		Verifier: verifier{rel}, Probation: 500 * time.Millisecond})
	s.launcher = Launcher{
		Slots: slots, Inbox: at.Inbox, Args: []string{s.dir}, Stderr: t.Output(), Signals: s.signals, Reload: syscall.SIGHUP,
		Hopeless: []int{5}, bless: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) plan(version, plan string) {
	s.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, "plan-"+version), []byte(plan), 0o600))
}

// run runs the launcher; when the programs have logged what is wanted, each of signals is sent.
func (s *scene) run(want string, signals ...os.Signal) error {
	s.Helper()
	done := make(chan error, 1)
	go func() { done <- s.launcher.Run(s.Context()) }()
	s.await(want)
	for i, sig := range signals {
		s.signals <- sig
		if i+1 < len(signals) { // two that come at once arrive in any order
			want += " " + sig.String()
			s.await(want)
		}
	}
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		s.Fatal("the launcher did not end")
		return nil
	}
}

func (s *scene) log() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return strings.Join(strings.Fields(string(data)), " ")
}

// await waits until the programs' log ends with want, and a trial, if there is one, was judged.
func (s *scene) await(want string) {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		st, err := s.launcher.Slots.State()
		if strings.HasSuffix(s.log(), want) && err == nil && st.Phase != handover.Trying {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("the programs logged %q, want %q at the end; state %+v", s.log(), want, st)
		}
	}
}

func TestAnUpdateIsTakenAndKept(t *testing.T) {
	s := newScene(t, map[string]string{"1.0.0": "update", "2.0.0": "healthy"})
	if err := s.run("2.0.0", syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if got, want := s.log(), "1.0.0 2.0.0 terminated"; got != want {
		t.Errorf("ran %q, want %q", got, want)
	}
	if st, _ := s.launcher.Slots.State(); st.Active != "2.0.0" || st.Phase != handover.Good {
		t.Errorf("got %+v", st)
	}
}

func TestAReleaseThatCrashesIsLeft(t *testing.T) {
	for _, plan := range []string{"crash", "panic", "settings"} {
		t.Run(plan, func(t *testing.T) {
			s := newScene(t, map[string]string{"1.0.0": "update", "2.0.0": plan})
			done := make(chan error, 1)
			go func() { done <- s.launcher.Run(t.Context()) }()
			s.await("1.0.0")
			s.plan("1.0.0", "wait")
			began := time.Now()
			s.await("2.0.0 2.0.0 2.0.0 1.0.0")
			t.Logf("rolled back after %s", time.Since(began).Round(time.Millisecond))
			s.signals <- syscall.SIGTERM
			if err := <-done; err != nil {
				t.Error(err)
			}
			if st, _ := s.launcher.Slots.State(); st.Active != "1.0.0" || len(st.Bad) != 1 {
				t.Errorf("got %+v", st)
			}
		})
	}
}

func TestAReleaseThatIsNeverHealthyIsLeft(t *testing.T) {
	s := newScene(t, map[string]string{"1.0.0": "update", "2.0.0": "wait"})
	done := make(chan error, 1)
	go func() { done <- s.launcher.Run(t.Context()) }()
	s.await("1.0.0")
	s.plan("1.0.0", "wait")
	s.await("2.0.0 terminated 1.0.0")
	s.signals <- syscall.SIGTERM
	if err := <-done; err != nil {
		t.Error(err)
	}
	if st, _ := s.launcher.Slots.State(); len(st.Bad) != 1 || st.Bad[0].Class != handover.Hang {
		t.Errorf("got %+v", st)
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	s := newScene(t, map[string]string{"1.0.0": "wait"})
	if err := s.run("1.0.0", syscall.SIGHUP, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if got, want := s.log(), "1.0.0 hangup terminated"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARestartDoesNotHelp(t *testing.T) {
	s := newScene(t, map[string]string{"1.0.0": "settings"})
	err := s.run("1.0.0")
	if e, ok := errors.AsType[*Exited](err); !ok || e.Code != 5 {
		t.Errorf("got %v, want exit code 5", err)
	}
}

// A program that keeps crashing is started again and again, and the end is heard between.
func TestACrashIsFollowedByAStart(t *testing.T) {
	s := newScene(t, map[string]string{"1.0.0": "crash"})
	if err := s.run("1.0.0 1.0.0 1.0.0", syscall.SIGTERM); err == nil {
		t.Error("a crash ended well")
	}
}
