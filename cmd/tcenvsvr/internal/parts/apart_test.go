//go:build unix

package parts

import (
	"errors"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/settings"
	"tcenvsvr/test/need"
)

// TestOneUser: where agent and Apps would be the same user, there is nothing to run Apps with.
func TestOneUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	jobs := func(sandbox, runner, state string) error {
		s := with(t, map[string]string{"appsRunner": runner})
		s.SandboxUser = sandbox // also one that settings refuse by its name
		_, err := NewJobs(s, state, slog.New(slog.DiscardHandler))
		return err
	}
	refused := func(name string, err error) {
		t.Helper()
		if _, ok := errors.AsType[*settings.ConflictError](err); !ok || !strings.Contains(err.Error(), "so none is run\nhint: name a user of its own (\"tcenvsvr settings set appsSandboxUser=USER\")") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, runner := range []string{"sudo", "socket"} {
		refused(runner, jobs(me.Username, runner, t.TempDir()))
	}
	if err := jobs(me.Username, "none", t.TempDir()); err != nil {
		t.Errorf("without a sandbox: %v", err)
	}
	if err := jobs("nobody", "sudo", filepath.Join(t.TempDir(), "none")); me.Username != "nobody" && err != nil {
		t.Errorf("without files of the agent: %v", err)
	}
	// The user who runs an App locally need not be the agent's; the owner of the agent's files is.
	need.Root(t)
	state := t.TempDir()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no user nobody")
	}
	uid, _ := userNumber(nobody.Username)
	if err := os.Chown(state, uid, -1); err != nil {
		t.Fatal(err)
	}
	refused("the owner of the agent's files", jobs("nobody", "sudo", state))
}
