package job

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// elsewhere has shims in a network of their own, as an administrator may who keeps Apps off his.
type elsewhere struct{ Direct }

func (elsewhere) startShim(_ context.Context, exe string) (*startedShim, error) {
	cmd := exec.Command("unshare", "--net", exe, ShimCommand)
	cmd.Env = cleanEnv()
	return startCommand(cmd)
}

// TestOtherNetwork: the next agent finds a job also where the shim's addresses without a file cannot be seen;
// elsewhere no file is made for that.
func TestOtherNetwork(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("another network needs root")
	}
	for _, c := range []struct {
		name   string
		runner Runner
		file   bool
	}{{"same", Direct{}, false}, {"other", elsewhere{}, true}} {
		t.Run(c.name, func(t *testing.T) {
			e := executor(t, Config{Runner: c.runner})
			l := shell(t, `exec sleep 1000`)
			p, err := e.Start(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { endLeftovers(t, p) })
			if _, err := os.Lstat(filepath.Join(l.Dir, "shim/sock")); (err == nil) != c.file {
				t.Errorf("the file of the socket: %v", err)
			}
			if !Attended(l.Dir) {
				t.Error("nobody attends to the job")
			}
			next, err := executor(t, Config{Runner: c.runner}).Attach(l.Dir, p.Status())
			if err != nil {
				t.Fatal(err)
			}
			if err := next.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, next); exit.Reason != ReasonCancelled {
				t.Errorf("%+v", exit)
			}
			if Attended(l.Dir) {
				t.Error("somebody attends to a job that has ended")
			}
		})
	}
}
