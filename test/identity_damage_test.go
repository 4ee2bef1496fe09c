package test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/disk"
	"tcenvsvr/test/stage"
)

// TestDamagedIdentity damages each file that makes this host a server: nothing begins anew or goes
// on with defaults; start and doctor name the file and say what to do, with the exit codes that say
// so; and all is well when the file is back.
func TestDamagedIdentity(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.cloud("lab")
	for _, f := range []struct {
		name  string
		file  func(a *stage.Agent) string
		start map[string]int // exit code of "run" by damage; "" for the others; 0 is a service that stays locked
		show  int            // of "settings show"
		says  string
	}{
		{"settings", func(a *stage.Agent) string { return s.paths(a).Settings }, map[string]int{"": 5}, 5, "settings.yaml"},
		{"keystore", func(a *stage.Agent) string { return s.paths(a).Keystore }, map[string]int{"": 5}, 0, "keystore.p12"},
		{"keychain", func(a *stage.Agent) string { return s.paths(a).Keychain }, map[string]int{"": 5, "deleted": 7}, 0, "keychain"},
		{"masterkey", func(a *stage.Agent) string { return a.Home + "-masterkey" }, map[string]int{"": 0}, 0, "-masterkey"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := s.withT(t)
			a, err := c.Enroll(s.ctx, "lab", f.name)
			s.must(err, "enrolling")
			file := f.file(a)
			whole, err := os.ReadFile(file)
			s.must(err, "reading the file")
			damages := maps.Clone(disk.Damages)
			damages["a folder"] = func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) }
			if f.name == "settings" { // a bit in plain text may make other good text: this one is none anywhere
				damages["flipped"] = func(file string) error {
					text, err := os.ReadFile(file)
					if err == nil {
						text[len(text)/2] ^= 0x80
						err = os.WriteFile(file, text, 0o600)
					}
					return err
				}
			}
			for how, damage := range damages {
				s.must(damage(file), how)
				want, ok := f.start[how]
				if !ok {
					want = f.start[""]
				}
				if want == 0 {
					s.startsLocked(a, how, f.says)
				} else {
					s.exitsWith(a, want, how, []string{f.says, "backup"}, "run")
				}
				if want != 0 && how == "truncated" {
					s.exitsWith(a, want, how, []string{f.says, "backup"}, "verify")
				}
				if f.show != 0 || how == "deleted" { // where the file is none of its, once is enough
					s.exitsWith(a, f.show, how, nil, "settings", "show")
				}
				if how == "truncated" || how == "deleted" { // it looks at much else, for seconds
					s.exitsWith(a, 1, how, []string{"fail ", f.says, "try: "}, "doctor")
				}
				s.must(os.RemoveAll(file), "removing what is left")
				s.must(os.WriteFile(file, whole, 0o600), "putting the file back")
				if want == 0 {
					s.must(a.Connected(s.ctx), how+": going on when the file is back")
					a.Stop(20 * time.Second)
				}
			}
			s.start(a)
		})
	}
}

// exitsWith checks that a command ends with code and prints all of the texts.
func (s *scene) exitsWith(a *stage.Agent, code int, when string, texts []string, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute) // only a hang reaches it
	defer cancel()
	cmd := exec.CommandContext(ctx, s.AgentBin, append(args, "--home", a.Home)...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("%s, %s: exit code %d, want %d (%v):\n%s", when, args[0], got, code, err, out)
	}
	for _, text := range append(texts, "") {
		if !strings.Contains(string(out), text) || strings.Contains(string(out), "panic:") {
			s.t.Errorf("%s, %s: %q is missing in:\n%s", when, args[0], text, out)
		}
	}
}

// startsLocked starts the service and waits until its status says that it is locked, and why.
func (s *scene) startsLocked(a *stage.Agent, when, says string) {
	s.t.Helper()
	s.must(a.Start(), when+": starting")
	s.eventually(when+": waiting until it is locked", func() error {
		out, err := s.tcenvsvr(a, "status")
		if err != nil || !strings.Contains(out, "LOCKED") || !strings.Contains(out, filepath.Base(a.Home)+says) {
			return fmt.Errorf("status says %v: %s", err, out)
		}
		return nil
	})
	s.exitsWith(a, 1, when, []string{"the service is locked", "keychain unlock"}, "log", "level", "info")
	out, err := s.tcenvsvr(a, "settings", "set", "logLevel=info")
	if err != nil || strings.Contains(out, "old settings") {
		s.t.Errorf("%s: setting a value while it is locked says %v: %s", when, err, out)
	}
}
