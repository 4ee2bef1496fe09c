package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

// TestDamagedApps damages each file that an App's run depends on: the App's own, its bytecode, its
// seal, the sets of trusted CAs. The next order runs the App as it should be, or fails with a
// reason; it never succeeds without.
func TestDamagedApps(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	p, err := paths.New(a.Home)
	s.must(err, "naming paths")
	run := func(mark string) {
		id, err := s.sleeper(c, "lab", mark, 0)
		s.must(err, "giving an order")
		e := s.waitEnd(c, id)
		if n := s.appStarts(mark); e.State != wire.State(wire.Succeeded) || n != 1 {
			t.Errorf("after %s: order ended %s, %d starts: %s %s", mark, e.State, n, e.Error, e.Message)
		}
		s.compiled(a)
	}
	run("nothing")
	for _, folder := range []string{p.Programs, p.Trust} {
		var files []string
		s.must(filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == ".origins" {
				return fs.SkipDir // no run depends on these: a policy reads them, and agent/app damages them
			}
			if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "jobs" {
				files = append(files, path)
			}
			return err
		}), "listing files")
		for n, path := range files {
			for _, how := range []string{"emptied", "flipped", "deleted"} { // agent/app tries all
				data, err := os.ReadFile(path)
				if err != nil || len(data) == 0 { // an installation anew is another set of the same files
					s.must(err, "reading")
					continue
				}
				s.must(disk.Damages[how](path), "damaging")
				run(fmt.Sprint(how, "-", n, "-", filepath.Base(path)))
				now, err := os.ReadFile(path)
				if err != nil || string(now) == "" {
					t.Errorf("%s of %s: it was not mended: %v", how, path, err)
				}
			}
		}
	}
	text, err := a.Do(s.ctx, "status")
	s.must(err, "asking for the status")
	if !strings.Contains(text, "was damaged") || !strings.Contains(text, "compiled again") {
		t.Errorf("status does not tell of damaged Apps:\n%s", text)
	}
}
