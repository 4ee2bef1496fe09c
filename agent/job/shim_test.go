//go:build unix

package job

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/job/internal/spec"
)

// oldShim is the name by which the test program is a shim of a release before shims served.
const oldShim = "old-shim"

func oldShimMain() int {
	in := bufio.NewReaderSize(os.Stdin, 16)
	var line []byte
	for !bytes.HasSuffix(line, []byte("\n")) {
		b, err := in.ReadByte()
		if err != nil {
			return 1
		}
		line = append(line, b)
	}
	if bytes.Contains(line, []byte(`"op":"serve"`)) {
		_, _ = os.Stdout.WriteString(`{"code":"job.launch","error":"reading the request: unknown operation \"serve\""}` + "\n")
		return 1
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 1
	}
	go func() {
		_, _ = w.Write(line)
		_, _ = in.WriteTo(w)
		_ = w.Close()
	}()
	return ShimMain(r, os.Stdout, os.Stderr)
}

// TestShimOfAnOlderRelease: a package may be replaced under an agent that runs; jobs start all the same.
func TestShimOfAnOlderRelease(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), oldShim)
	if err := os.Symlink(own, exe); err != nil {
		t.Fatal(err)
	}
	e, err := NewExecutor(Config{Exe: exe})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.startServing(t.Context()); !errors.Is(err, errCannotServe) {
		t.Errorf("got %v, want %v", err, errCannotServe)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx, func() int { return 2 }) }()
	for range 2 {
		if _, exit := one(t, e, shell(t, "exit 4")); exit.Code != 4 {
			t.Errorf("%+v", exit)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestProgramThatIsNoShim: what the program says is told, and the one line of a crash that says why.
func TestProgramThatIsNoShim(t *testing.T) {
	for script, want := range map[string]StartError{
		"exit 0":                {Code: spec.CodeShim, Err: errNoAnswer},
		"echo disk on fire >&2": {Code: spec.CodeShim, Err: errors.New("disk on fire")},
		"echo hello":            {Code: spec.CodeShim, Err: errors.New("reply")},
		"echo runtime: failed to create new OS thread '(have 2 already)' >&2; echo r15 0x0 >&2": {Code: spec.CodeNoProcess, Err: errors.New("runtime: failed to create new OS thread (have 2 already)")},
	} {
		exe := filepath.Join(t.TempDir(), "shim")
		if err := os.WriteFile(exe, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		e, err := NewExecutor(Config{Exe: exe})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Start(t.Context(), shell(t, "true"))
		if got := startError(t, err); got.Code != want.Code || !strings.HasPrefix(got.Error(), "starting the shim: ") || !strings.Contains(got.Error(), want.Err.Error()) {
			t.Errorf("%s: got %s: %v, want %s: %v", script, got.Code, got, want.Code, want.Err)
		}
	}
	for exe, want := range map[string]string{"tcenvsvr": `"tcenvsvr" is not absolute`, "/nowhere": "no such file or directory"} {
		if _, err := NewExecutor(Config{Exe: exe}); err == nil || !strings.Contains(err.Error(), "finding the program of the shim: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", exe, err, want)
		}
	}
}
