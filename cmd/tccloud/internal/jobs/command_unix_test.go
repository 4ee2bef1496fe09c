//go:build unix

package jobs_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// program writes an executable of the shell.
func program(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCommand: failures and missed runs go to the program, which gets no token of this process.
func TestCommand(t *testing.T) {
	t.Setenv("TCCLOUD_TOKEN", "s3cr3t")
	out := filepath.Join(t.TempDir(), "out")
	file := program(t, "{ cat; env; } >> "+out)
	if err := jobs.CheckCommand(file); err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	start := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	c.set(start.Add(-time.Minute))
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) { cfg.Now, cfg.Command = c.now, file })
	s.create(t, job("feed", func(j *jobs.Job) { j.Notify, j.Schedule = jobs.Command, "every 1h" }))
	s.orders.refuse.Store(true)
	s.start(t, "feed")
	s.settled(t, "feed", 1)
	c.set(start.Add(3*time.Hour + 30*time.Minute))
	s.until(t, "feed", func(v jobs.View) bool {
		h := v.State.History
		return len(h) == 2 && h[0].Notify == 0 && h[1].Notify == 0
	})
	text, err := os.ReadFile(out)
	if err != nil || strings.Contains(string(text), "s3cr3t") {
		t.Fatalf("%s, %v", text, err)
	}
	var told []jobs.Failure
	for line := range strings.Lines(string(text)) {
		var f jobs.Failure
		if json.Unmarshal([]byte(line), &f) == nil {
			told = append(told, f)
		}
	}
	if len(told) != 2 || told[0].Outcome != jobs.Refused || told[1].Outcome != jobs.Lost || told[1].Times == 0 || told[1].Job != "feed" {
		t.Errorf("told is %+v", told)
	}
}

// TestCommandFails: it is tried again, and what it said is in the log.
func TestCommandFails(t *testing.T) {
	t.Parallel()
	log := new(lines)
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) {
		cfg.Command, cfg.Logger = program(t, "echo no pager >&2", "exit 3"), slog.New(slog.NewTextHandler(log, nil))
	})
	s.orders.refuse.Store(true)
	s.create(t, job("feed", func(j *jobs.Job) { j.Notify = jobs.Command }))
	s.start(t, "feed")
	s.until(t, "feed", func(v jobs.View) bool { return len(v.State.History) > 0 && v.State.History[0].Notify > 1 })
	if text := log.String(); !strings.Contains(text, "exit status 3: no pager") {
		t.Errorf("the log is\n%s", text)
	}
}

func TestCheckCommand(t *testing.T) {
	t.Parallel()
	file := program(t)
	folder := filepath.Dir(file)
	for _, tt := range []struct {
		file string
		mode os.FileMode
		want string
	}{
		{"program", 0o700, "want an absolute path"},
		{file + "x", 0o700, "no such file"},
		{folder, 0o700, folder + `" is no file`},
		{file, 0o600, "cannot be executed: its mode is -rw-------"},
		{file, 0o707, "can be changed by others: its mode is -rwx---rwx"},
		{file, 0o770, "can be changed by others: its mode is -rwxrwx---"},
	} {
		if err := os.Chmod(file, tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := jobs.CheckCommand(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.file, err, tt.want)
		}
	}
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	j := job("feed", func(j *jobs.Job) { j.Environment, j.Notify = "lab", jobs.Command })
	if _, err := s.jobs.Create(t.Context(), j); err == nil || !strings.Contains(err.Error(), "this cloud has no command for failures") {
		t.Errorf("a Job that wants a command where there is none: %v", err)
	}
}
