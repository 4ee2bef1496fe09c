package update

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// imports is a host without the package, and a repository with two releases.
type imports struct {
	t      *testing.T
	env    *env.Env
	stderr bytes.Buffer
	at     handover.Paths
	old    string // bundle of 1.0.0
	sum    string // of its program
}

func newImports(t *testing.T) *imports {
	t.Helper()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	i := &imports{t: t, at: handover.UnpackagedPaths(filepath.Join(dir, "home"), filepath.Join(dir, "tcenvsvr"))}
	i.env = &env.Env{Home: i.at.Home, Stderr: &i.stderr}
	for _, d := range []string{i.at.Inbox, filepath.Dir(i.at.Status)} {
		check(os.MkdirAll(d, 0o700))
	}
	repo, err := repository.Init(filepath.Join(dir, "repo"), filepath.Join(dir, "keys"), repository.Offline{Keys: 2, Threshold: 1})
	check(err)
	keys, err := repository.ReadKeys(filepath.Join(dir, "keys"))
	check(err)
	program := filepath.Join(dir, "program")
	check(os.WriteFile(program, []byte("program 1.0.0"), 0o755))
	rel, err := repo.Add(program, release.Release{Version: "1.0.0", OS: runtime.GOOS, Arch: runtime.GOARCH})
	check(err)
	_, err = repo.Sign(keys)
	check(err)
	i.sum, i.old = rel.SHA256, filepath.Join(dir, "old.zip")
	f, err := os.Create(i.old)
	check(err)
	check(repo.Bundle(t.Context(), f, "1.0.0"))
	check(f.Close())
	root, err := repo.Root()
	check(err)
	check(os.WriteFile(i.at.Root, root, 0o600))
	return i
}

// publish is root's side saying how it stands.
func (i *imports) publish(s handover.Status) {
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(i.at.Status+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(i.at.Status+".new", i.at.Status)
	}
	if err != nil {
		i.t.Error(err)
	}
}

func (i *imports) lies(name string) bool {
	_, err := os.Stat(filepath.Join(i.at.Inbox, name))
	return err == nil
}

// What would not be installed is refused at once, and nothing is asked for.
func TestImportRefusesWhatWouldNotBeInstalled(t *testing.T) {
	i := newImports(t)
	for name, tc := range map[string]struct {
		root handover.Status
		want string
	}{
		"older":  {handover.Status{Active: "1.1.0"}, `release 1.0.0 is not installed: 1.1.0 runs here; going back takes "tcenvsvr update pin 1.0.0"`},
		"same":   {handover.Status{Active: "1.0.0"}, "release 1.0.0 is not installed: it is what runs here"},
		"pinned": {handover.Status{Active: "0.9.0", Pin: "0.9.1"}, `only version 0.9.1 is taken here; "tcenvsvr update pin 1.0.0" changes that`},
		"held":   {handover.Status{Active: "0.9.0", Hold: "the package was downgraded"}, `the package was downgraded; "tcenvsvr update resume" ends that`},
		"bad": {handover.Status{Active: "0.9.0", Bad: []handover.Mark{{Version: "1.0.0", SHA256: handover.Sum(i.sum), Class: handover.Crash, Reason: "it crashed"}}},
			"it failed here: it crashed"},
	} {
		i.publish(tc.root)
		err := runImport(t.Context(), i.env, i.old)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		if i.lies(handover.RequestApply) || i.lies(handover.ArtifactFile("", i.sum)) {
			t.Errorf("%s: it was asked for all the same", name)
		}
	}
	if i.stderr.Len() > 0 {
		t.Errorf("stderr: %s", &i.stderr)
	}
}

// Pinned to it, an older release is asked for; without an agent that is all.
func TestImportOfAPinnedOlderRelease(t *testing.T) {
	i := newImports(t)
	newer := handover.ArtifactFile("", strings.Repeat("0", 64)) // root's side would take this one
	if err := os.WriteFile(filepath.Join(i.at.Inbox, newer), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	i.publish(handover.Status{Active: "1.1.0", Pin: "1.0.0"})
	if err := runImport(t.Context(), i.env, i.old); err != nil {
		t.Fatal(err)
	}
	if !i.lies(handover.RequestApply) || !i.lies(handover.ArtifactFile("", i.sum)) || i.lies(newer) {
		t.Error("the inbox has not what is asked for, or more")
	}
	if !strings.Contains(i.stderr.String(), "it is installed when the Environment Server starts") {
		t.Errorf("stderr: %s", &i.stderr)
	}
}

// A bundle that has all but a program for this host.
func TestImportOfAnotherPlatform(t *testing.T) {
	i := newImports(t)
	empty := filepath.Join(t.TempDir(), "empty.zip")
	old, err := zip.OpenReader(i.old)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	f, err := os.Create(empty)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, file := range old.File {
		if strings.HasPrefix(file.Name, "metadata/") {
			err = errors.Join(err, z.Copy(file))
		}
	}
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	err = runImport(t.Context(), i.env, empty)
	if want := "it has no release for " + runtime.GOOS + "/" + runtime.GOARCH; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Check tells how the agent's check ended.
func TestCheckTellsTheOutcome(t *testing.T) {
	i := newImports(t)
	p, err := paths.New(i.at.Home)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ends updater.Progress
		want string
		is   error
	}{
		"nothing":   {updater.Progress{Phase: "idle"}, "", nil},
		"available": {updater.Progress{Phase: "available", Wanted: "1.1.0", Reason: "updateMode is notify"}, "a release is available: 1.1.0: updateMode is notify", ErrAvailable},
		"fails":     {updater.Progress{Phase: "idle", Error: "no way to the cloud"}, "checking for updates: no way to the cloud", nil},
		"held":      {updater.Progress{Phase: "held", Wanted: "1.1.0", Reason: "quarter end"}, `release "1.1.0" is not installed: quarter end`, nil},
	} {
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		answer := func(context.Context, []byte) (any, error) {
			tc.ends.Ended = time.Now()
			return tc.ends, nil
		}
		go func() {
			served <- control.Serve(ctx, p.Control, control.Handlers{"POST update": answer, "GET update": answer})
		}()
		err := control.ErrNotRunning
		for errors.Is(err, control.ErrNotRunning) { // until it serves
			err = runCheck(ctx, i.env, false)
		}
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want || tc.is != nil && !errors.Is(err, tc.is)) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		stop()
		<-served
	}
}

// With an agent, import tells what root's side made of it.
func TestImportTellsTheOutcome(t *testing.T) {
	i := newImports(t)
	p, err := paths.New(i.at.Home)
	if err != nil {
		t.Fatal(err)
	}
	before := handover.Status{Active: "0.9.0"}
	for name, tc := range map[string]struct {
		then handover.Status
		want string // of the error, "" = none
	}{
		"taken":   {handover.Status{Active: "0.9.0", Candidate: &handover.Candidate{Image: handover.Image{Version: "1.0.0", SHA256: handover.Sum(i.sum)}}}, ""},
		"refused": {handover.Status{Active: "0.9.0", Last: &handover.Event{Phase: handover.Refused, Version: "1.0.0", Code: "no_room", Reason: "no space"}}, "release 1.0.0 was refused (no_room): no space"},
	} {
		i.publish(before)
		i.stderr.Reset()
		ctx, stop := context.WithCancel(t.Context())
		served, ready := make(chan error, 1), make(chan struct{}, 1)
		go func() {
			served <- control.Serve(ctx, p.Control, control.Handlers{
				"GET status": func(context.Context, []byte) (any, error) { return nil, nil },
				"POST update-imported": control.With(func(_ context.Context, version string) (any, error) {
					if tc.then.Last != nil {
						tc.then.Last.At = time.Now()
					}
					i.publish(tc.then)
					return nil, nil
				}),
			})
		}()
		go func() {
			for control.Call(ctx, p.Control, "GET", "status", nil, nil) != nil {
				runtime.Gosched()
			}
			ready <- struct{}{}
		}()
		<-ready
		err := runImport(t.Context(), i.env, i.old)
		switch {
		case tc.want == "" && (err != nil || !strings.Contains(i.stderr.String(), "release 1.0.0 is installed")):
			t.Errorf("%s: got %v and %s", name, err, &i.stderr)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		case i.lies(handover.RequestApply):
			t.Errorf("%s: asked for beside the agent", name)
		}
		stop()
		<-served
	}
}
