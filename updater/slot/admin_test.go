package slot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

func TestRollbackGoesBackStepByStep(t *testing.T) {
	s := newScene(t)
	s.wantChoice("1.0.0", false)
	if err := s.slots().Rollback("why"); !errors.Is(err, slot.ErrNothing) {
		t.Errorf("got %v, want %v", err, slot.ErrNothing)
	}
	s.update("1.1.0")
	s.update("1.2.0")
	for _, want := range []string{"1.1.0", "1.0.0"} {
		s.must(s.slots().Rollback("the administrator said so"))
		s.wantChoice(want, false)
	}
	s.offer("1.2.0")
	s.wantCode(s.apply(), "bad", "release 1.2.0 failed on this host: the administrator said so")
	s.offer("1.3.0")
	s.must(s.apply())
	s.must(s.slots().Rollback("before it was tried")) // only the candidate goes
	s.wantChoice("1.0.0", false)
	s.must(s.slots().Retry("1.2.0"))
	s.update("1.2.0")
	audit, err := os.ReadFile(filepath.Join(s.dir, "lib", "audit.jsonl"))
	s.must(err)
	for _, want := range []string{`"act":"update_rollback"`, `"act":"update_apply"`, `"act":"update_bless"`, "the administrator said so"} {
		if !strings.Contains(string(audit), want) {
			t.Errorf("the audit lacks %s:\n%s", want, audit)
		}
	}
}

func TestHoldAndPin(t *testing.T) {
	s := newScene(t)
	s.must(s.slots().Hold("quarter end"))
	s.offer("1.1.0")
	s.wantCode(s.apply(), "held", `quarter end; run "tcenvsvr update resume"`)
	s.must(s.slots().Resume())
	s.must(s.slots().Pin("1.2.0"))
	s.offer("1.1.0")
	s.wantCode(s.apply(), "pinned", "only version 1.2.0 is installed, not 1.1.0")
	s.update("1.2.0")
	s.must(s.slots().Pin("1.1.0")) // back to an older one, by the administrator's will
	s.update("1.1.0")
	if err := s.slots().Pin("latest"); err == nil || !strings.Contains(err.Error(), `pinning "latest": it is not a version`) {
		t.Errorf("a pin that is no version: got %v", err)
	}
}

// What dnf does, seen only by the baseline's content at the next start.
func TestPackageManager(t *testing.T) {
	for name, c := range map[string]struct {
		to, want, hold string
		trial          bool
	}{
		"upgrade past the active": {"1.2.0", "1.2.0", "", false},
		"upgrade to the active":   {"1.1.0", "1.1.0", "", false},
		"upgrade below it":        {"1.0.5", "1.1.0", "", false},
		"downgrade":               {"0.9.0", "0.9.0", "downgraded to 0.9.0", false},
		"reinstall":               {"1.0.0", "1.1.0", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.wantChoice("1.0.0", false)
			s.update("1.1.0")
			s.installPackage(c.to)
			s.wantChoice(c.want, c.trial)
			if got := s.status().Hold; (got == "") != (c.hold == "") || !strings.Contains(got, c.hold) {
				t.Errorf("hold is %q, want %q", got, c.hold)
			}
			if c.hold != "" {
				s.offer("1.3.0")
				s.wantCode(s.apply(), "held", "downgraded to 0.9.0")
				s.installPackage("1.0.1") // an upgrade means it, too
				s.wantChoice("1.0.1", false)
			}
			s.update("1.4.0")
			s.wantChoice("1.4.0", false)
		})
	}
}

func TestARebuiltPackageOfTheSameVersionChangesNothing(t *testing.T) {
	s := newScene(t)
	s.wantChoice("1.0.0", false)
	s.update("1.1.0")
	path := filepath.Join(s.dir, "base", "tcenvsvr")
	s.must(os.Remove(path))
	s.must(os.WriteFile(path, version("1.0.0-rebuilt"), 0o755))
	s.wantChoice("1.1.0", false)
	if got := s.status(); got.Hold != "" || got.Phase != handover.Good {
		t.Errorf("got %+v, want nothing changed", got)
	}
}
