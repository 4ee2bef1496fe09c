package doctor

import (
	"errors"
	"os"
	"os/user"
	"strings"
	"testing"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/host/setup/hosttest"
)

// TestFixAsksFirst: nothing of the host is changed before somebody agreed to the list, nor for a home
// that is not this host's.
func TestFixAsksFirst(t *testing.T) {
	h := hosttest.Machine(t)
	p, err := paths.New(h.Home)
	if err != nil {
		t.Fatal(err)
	}
	fix := func(c Config, agree error) (asked, made []string, err error) {
		err = FixHost(t.Context(), c, func(changes []string) error { asked = changes; return agree }, func(change string) { made = append(made, change) })
		return asked, made, err
	}
	refusal := errors.New("no")
	asked, made, err := fix(Config{Paths: p}, refusal)
	if !errors.Is(err, refusal) || made != nil || !strings.Contains(strings.Join(asked, "\n"), `users: user "threatconnect" does not exist: created`) {
		t.Errorf("refused: asked %q, made %q, %v", asked, made, err)
	}
	if _, err := user.Lookup(layout.Agent); err == nil {
		t.Error("a user was made although nobody agreed")
	}
	if _, err := os.Lstat(layout.Sudoers); err == nil {
		t.Error("the sudoers rule was written although nobody agreed")
	}
	other, err := paths.New("/opt/elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if asked, made, err := fix(Config{Paths: other}, nil); err == nil || !strings.Contains(err.Error(), `"/opt/elsewhere" is not this host's installation, which is "/opt/threatconnect-envsvr"`) || asked != nil || made != nil {
		t.Errorf("another home: asked %q, made %q, %v", asked, made, err)
	}
	if _, made, err := fix(Config{Paths: p}, nil); err != nil || len(made) == 0 {
		t.Errorf("agreed: made %q, %v", made, err)
	}
	if asked, made, err := fix(Config{Paths: p}, refusal); err != nil || asked != nil || made != nil {
		t.Errorf("again: asked %q, made %q, %v", asked, made, err)
	}
}
