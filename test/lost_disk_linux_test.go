package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

// TestDiskLostUnderAgent: the file system below the agent's home goes away with what it had not
// synced, and comes back, while Apps run: one whose start is long on the disk, one that was started
// in the last moment, and one that waits. Each starts once, none is without an owner, and the agent
// goes on by itself.
func TestDiskLostUnderAgent(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Root(t)
	need.Python(t)
	d := disk.New(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	// Not isolated: the marks tell the Apps' process numbers, as they are here.
	flags := []string{"--appsRunner", "none", "--appsIsolation", "off", "--appsNumberofJobExecutors", "2"}
	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling")
	home := filepath.Join(d.Dir, "home")
	s.must(exec.Command("cp", "-a", a.Home, home).Run(), "moving the home to the disk")
	s.must(os.RemoveAll(a.Home), "moving the home to the disk")
	s.must(os.Symlink(home, a.Home), "moving the home to the disk")
	s.start(a, flags...)
	warm, err := s.sleeper(c, "lab", "warm", 0)
	s.must(err, "giving an order")
	s.ranOnce(c, warm, "warm")

	for _, kill := range []bool{true, false} { // before the disk is lost, or only after its Apps have ended
		mark := fmt.Sprintf("killed-%v", kill)
		old, err := s.sleeper(c, "lab", mark+"-old", 120)
		s.must(err, "giving an order")
		s.eventually("waiting for the App", func() error { return s.appStarted(mark + "-old") })
		unix.Sync()
		fresh, err := s.sleeper(c, "lab", mark+"-fresh", 120)
		s.must(err, "giving an order")
		s.eventually("waiting for the App", func() error { return s.appStarted(mark + "-fresh") })
		if kill {
			a.Kill()
		}
		d.Shutdown()
		end := func() {
			for _, m := range []string{mark + "-old", mark + "-fresh"} {
				s.must(os.WriteFile(s.markFile(m)+".end", nil, 0o644), "letting the App end")
				s.eventually("waiting until nothing of "+m+" runs", func() error { return s.appGone(m) })
			}
		}
		if !kill { // it hears of their ends, and cannot write them down
			end()
			a.Kill()
		}
		d.Back()
		s.start(a, flags...)
		end()
		for _, o := range []struct{ id, mark string }{{old, mark + "-old"}, {fresh, mark + "-fresh"}} {
			e := s.waitEnd(c, o.id)
			if n := s.appStarts(o.mark); n != 1 || e.Attempt != 1 {
				t.Errorf("%s: started %d times, attempt %d, %s: %s %s", o.mark, n, e.Attempt, e.State, e.Error, e.Message)
			}
			want := wire.Succeeded
			if !kill { // it could not write what it has to: that is its own end, and not that nobody knows
				want = wire.Failed
			}
			if e.State != wire.State(want) {
				t.Errorf("%s ended %s: %s %s", o.mark, e.State, e.Error, e.Message)
			}
		}
		next, err := s.sleeper(c, "lab", mark+"-next", 0)
		s.must(err, "giving an order")
		s.ranOnce(c, next, mark+"-next")
	}
}

// appGone returns an error that names the process if an App of a sleeper's order still runs.
func (s *scene) appGone(mark string) error {
	text, err := os.ReadFile(s.markFile(mark))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		pid := strings.Fields(line)[1]
		if command, err := os.ReadFile("/proc/" + pid + "/cmdline"); err == nil && len(command) > 0 {
			return fmt.Errorf("process %s: %s", pid, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return nil
}
