//go:build linux

package configure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// screen is what a person at the terminal sees.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// session is a person at a pseudo terminal who answers questions.
type session struct {
	t      *testing.T
	person *os.File
	seen   *screen
	home   string
	cancel context.CancelFunc
	done   chan error
}

// start begins a session on a terminal of the given columns and rows; without, it does not say.
func start(t *testing.T, file string, size ...uint16) *session {
	t.Helper()
	person, tty, err := pty.Open()
	if err == nil && size != nil {
		err = pty.Setsize(tty, &pty.Winsize{Cols: size[0], Rows: size[1]})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close(); _ = tty.Close() })
	s := &session{t: t, person: person, seen: &screen{}, home: t.TempDir(), done: make(chan error, 1)}
	if err := os.MkdirAll(filepath.Join(s.home, ".tcenvsvr"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			_, _ = s.seen.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	e := &env.Env{Stdin: tty, Stdout: tty, Stderr: tty, Home: s.home}
	go func() { s.done <- newMenu(e).run(ctx) }()
	return s
}

func (s *session) file() string { return filepath.Join(s.home, ".tcenvsvr", "settings.yaml") }

// say waits for a question and answers it.
func (s *session) say(question, answer string) {
	s.t.Helper()
	from := 0
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		text := s.seen.String()
		if strings.HasSuffix(text[from:], question) {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no question %q in:\n%s", question, text)
		}
	}
	if _, err := s.person.WriteString(answer + "\n"); err != nil {
		s.t.Fatal(err)
	}
}

// sees waits until a text is on the screen, which may come after its writer has ended.
func (s *session) sees(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.seen.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("no %q in:\n%s", text, s.seen.String())
		}
	}
}

func (s *session) settings() settings.Settings {
	s.t.Helper()
	got, _, err := settings.Load(settings.Options{File: s.file()})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

const (
	top, system, edit = "q to quit: ", "q to go back: ", "q to go back: "
	newValue          = "- empties): "
)

func TestMenuOnATerminal(t *testing.T) {
	java := filepath.Join(t.TempDir(), "jdk")
	fake := func(path, says string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"' >&2\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fake(filepath.Join(java, "bin/java"), `openjdk version "17.0.9" 2023`)
	old := filepath.Join(t.TempDir(), "jdk8")
	fake(filepath.Join(old, "bin/java"), `java version "1.8.0"`)

	s := start(t, "serverXid: me\nlogLevel: warn\n")
	s.say(top, "7")
	s.say(top, "1")
	s.say(system, "2")
	s.say(edit, "3")
	s.say(newValue, old)
	s.say("nevertheless? [y/N] ", "")
	s.say(edit, "3")
	s.say(newValue, java)
	s.say(edit, "16")
	s.say(newValue, "99999")
	s.say(edit, "17")
	s.say(newValue, "true")
	s.say(edit, "15")
	s.say(newValue, "hunter2")
	s.say(edit, "22")
	s.say(edit, "s")
	s.say("Save them? [y/N] ", "y")
	s.sees("Not saved: the agent would not start with these settings:")
	s.say(edit, "17")
	s.say(newValue, "-")
	s.say(edit, "18")
	s.say(newValue, "joe")
	s.say(edit, "s")
	s.say("Save them? [y/N] ", "y")
	s.say(system, "q")
	s.say(top, "q")
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
	if got := s.settings(); got.JavaHome != java || got.ProxyTC || got.ProxyPassword.Reveal() != "hunter2" || got.ProxyPort != 0 || got.LogLevel != "warn" || got.ServerXID != "me" {
		t.Errorf("saved: %+v", got)
	}
	s.sees("Number, or q to quit: q")
	seen := s.seen.String()
	for _, want := range []string{
		`There is no "7".`, "3: appsJavaHome = <empty>", "5: appsPythonHome = <empty>", "6: appsPythonHome311 = <empty>",
		"13: proxyExternal = ", "18: proxyUsername = <empty>", "is Java 1.8.0, want 17", "It works: Java 17.0.9.",
		"want a whole number from 1 to 65535", "serverXid never changes", "proxyPassword: <empty> -> [redacted]", "proxyTC: false -> true", "Saved.", "proxyPort is as it was. Not allowed",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("the screen lacks %q", want)
		}
	}
	if strings.Contains(seen, "hunter2") {
		t.Error("the password is on the screen")
	}
}

// On a small screen no line scrolls away before it can be read, and what happened stands above the
// question.
func TestMenuOnASmallScreen(t *testing.T) {
	s := start(t, "serverXid: me\nlogLevel: warn\n", 80, 24)
	from := 0
	screen := func(question, answer string) string { // what came since the last answer
		t.Helper()
		var text string
		for deadline := time.Now().Add(20 * time.Second); !strings.HasSuffix(text, question); text = s.seen.String()[from:] {
			if time.Now().After(deadline) {
				t.Fatalf("no question %q in:\n%s", question, text)
			}
			time.Sleep(time.Millisecond)
		}
		from += len(text)
		s.say(question, answer)
		if n := strings.Count(text, "\r\n"); n > 24 { // the first is the answer's echo
			t.Errorf("%d lines before %q:\n%s", n, question, text)
		}
		return text
	}
	screen(top, "1")
	screen(system, "1")
	all := ""
	for !strings.HasSuffix(all, "Enter to go back: ") {
		all += screen(" go back: ", "")
	}
	for i, row := range settings.All {
		if !strings.Contains(all, fmt.Sprintf("%4d: %s = ", i+1, row.Name)) {
			t.Errorf("%s is not shown", row.Name)
		}
	}
	screen(system, "2")
	screen(edit, "16")
	screen(newValue, "99999")
	text := screen(edit, "")
	if lines := strings.Split(text, "\r\n"); !strings.Contains(lines[len(lines)-2], "Not allowed: want a whole number") || !strings.Contains(text, "16: proxyPort") {
		t.Errorf("the message is not the last:\n%s", text)
	}
	if text := screen(edit, "q"); strings.Contains(text, "16: proxyPort") || !strings.Contains(text, "23: appsCpuWeight") {
		t.Errorf("Enter does not show the next page:\n%s", text)
	}
	screen(system, "q")
	screen(top, "q")
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
}

// However the menu is left without saving, all stays as it was.
func TestMenuLeavesAllAsItWas(t *testing.T) {
	const before = "# mine\nlogLevel: warn\n"
	for name, leave := range map[string]func(*session){
		"q":      func(s *session) { s.say(edit, "q"); s.say(system, "q"); s.say(top, "q") },
		"no":     func(s *session) { s.say(edit, "s"); s.say("Save them? [y/N] ", "n"); s.say(edit, "\x04") },
		"Ctrl-D": func(s *session) { s.say(edit, "\x04") },
		"Ctrl-C": func(s *session) { s.say(edit, "15"); s.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, before)
			s.say(top, "1")
			s.say(system, "2")
			s.say(edit, "17")
			s.say(newValue, "true")
			leave(s)
			err := <-s.done
			if name == "Ctrl-C" != errors.Is(err, context.Canceled) || name != "Ctrl-C" && err != nil {
				t.Errorf("got %v", err)
			}
			if text, _ := os.ReadFile(s.file()); string(text) != before {
				t.Errorf("the file is now:\n%s", text)
			}
			s.sees("Nothing was saved.")
		})
	}
}
