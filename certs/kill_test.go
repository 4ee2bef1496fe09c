package certs_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/certs/keystore"
	"tcenvsvr/test/need"
)

const childVar = "CERTS_CHILD"

// The child that strace kills at the nth call of a thread makes all its calls in one.
func init() {
	if os.Getenv(childVar) != "" {
		runtime.LockOSThread()
	}
}

// TestMain is also the child of TestKilledAtEveryStep: it makes one set.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		conf := certs.Config{Dir: filepath.Join(dir, "trust"), Sources: certs.Sources{Drops: []string{filepath.Join(dir, "certs.d")}}}
		if _, err := certs.New(conf).Rebuild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// changing are the system calls by which a set comes into being.
var changing = []string{"mkdirat", "openat", "write", "fchmod", "fsync", "renameat", "symlinkat", "unlinkat"}

// A rebuild is killed at each call that changes the disk: trust/current leads to the whole old or
// the whole new set, and the next rebuild succeeds.
func TestKilledAtEveryStep(t *testing.T) {
	strace := need.Tool(t, "strace")
	conf, drops := place(t)
	dir := filepath.Dir(conf.Dir)
	old, fresh := certstest.New(t), certstest.New(t)
	certstest.File(t, drops, "old.pem", old.PEM())
	current(t, certs.New(conf))
	before, _ := os.Readlink(filepath.Join(conf.Dir, "current"))
	certstest.File(t, drops, "new.pem", fresh.PEM())

	// run makes the new set in a child; with a call, it is killed at its nth.
	run := func(call string, n int) (killed bool) {
		t.Helper()
		args := []string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call}
		if n > 0 {
			args = append(args, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n))
		}
		cmd := exec.Command(strace, append(args, os.Args[0])...)
		cmd.Env = append(os.Environ(), childVar+"="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(err.Error(), "killed") && cmd.ProcessState.ExitCode() != 137 {
			t.Fatalf("%s %d: %v: %s", call, n, err, out)
		}
		return err != nil
	}
	kills := 0
	for _, call := range changing {
		for n := 1; ; n++ {
			if call == "openat" && n%4 != 0 { // most of them read
				continue
			}
			reset(t, conf.Dir, before)
			if !run(call, n) {
				break
			}
			kills++
			wholeSet(t, filepath.Join(conf.Dir, "current"), old)
		}
	}
	if kills < 15 {
		t.Errorf("killed %d times only", kills)
	}
	if set := current(t, certs.New(conf)); !has(t, set, fresh) {
		t.Error("the last rebuild lacks the new CA")
	}
}

// reset takes away what a killed rebuild has left, as Prune does later.
func reset(t *testing.T, dir, before string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != before {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	if err := os.Symlink(before, filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
}

// wholeSet reads all forms, which must hold the same number of CAs and the old one.
func wholeSet(t *testing.T, dir string, old certstest.Pair) {
	t.Helper()
	counts := map[int]bool{}
	for _, name := range []string{certs.PEMFile, certs.JKSFile, certs.P12File} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := keystore.Decode(data)
		if name == certs.PEMFile {
			var skipped []error
			list, skipped, err = cert.Parse(data)
			err = errors.Join(append(skipped, err)...)
		}
		found := false
		for _, c := range list {
			found = found || c.Equal(old.Cert)
		}
		if err != nil || !found {
			t.Fatalf("%s after a kill: %d CAs, ours among them: %v, %v", name, len(list), found, err)
		}
		counts[len(list)] = true
	}
	if len(counts) != 1 {
		t.Fatalf("the forms differ: %v", counts)
	}
}
