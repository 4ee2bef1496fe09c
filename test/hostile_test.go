package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestAppsThatMisbehave: each ends with its outcome, nothing of it lives, and the agent takes the
// next order.
func TestAppsThatMisbehave(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "stubborn", "flood", "noop")
	a := s.agent(c, "lab", "one", "--appsRunner", "none", "--appsJobOutputMaxBytes", "100000")
	for _, tc := range []struct {
		name, app string
		flags     []string
		want      wire.Outcome
	}{
		{"ignores TERM and has children, times out", "Test_-_Stubborn", []string{"--timeout", "2s", "--param", "seconds=600"}, wire.TimedOut},
		{"prints more than is kept", "Test_-_Flood", []string{"--param", "bytes=100000000"}, wire.Succeeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var e execution
			out, err := c.Do(s.ctx, append([]string{"run", "lab", tc.app, "--json"}, tc.flags...)...)
			if jsonErr := json.Unmarshal([]byte(out), &e); jsonErr != nil {
				t.Fatalf("running it: %v: %v", err, jsonErr)
			}
			if e.State != wire.State(tc.want) {
				t.Errorf("it ended %s: %s; want %s", e.State, e.Message, tc.want)
			}
			if n := processesOf(a.Home); n != 0 {
				t.Errorf("%d of its processes live", n)
			}
			var size int64
			for _, name := range []string{"stdout", "stderr"} {
				info, err := os.Stat(filepath.Join(s.jobDir(a, e.ID), "shim", name))
				if errors.Is(err, fs.ErrNotExist) {
					continue // nothing was printed there
				}
				s.must(err, "looking at the App's output")
				size += info.Size()
			}
			if size > 2*(100_000+80<<10) { // the bound, the end that is kept, and a line between them
				t.Errorf("%d bytes of output were kept", size)
			}
		})
	}
	_, err := c.Do(s.ctx, "run", "lab", "Test_-_Noop")
	s.must(err, "running an ordinary App afterwards")
	s.waitIdle(a)
}

func (s *scene) jobDir(a *stage.Agent, id string) string {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's folders")
	return filepath.Join(p.Jobs, id+".1")
}

// TestHostilePackages: the operator is told at once what is wrong with a package. The agent looks
// again by the same rules, whatever a cloud sends: package tcx proves each of them, package agent
// that an order with such an App is rejected.
func TestHostilePackages(t *testing.T) {
	s := newScene(t)
	c := s.cloud("lab")
	for name, content := range map[string]string{
		"empty": "", "no-zip": "this is no ZIP file", "truncated": "PK\x03\x04 and no more",
	} {
		file := filepath.Join(s.Dir, name+".tcx")
		s.must(os.WriteFile(file, []byte(content), 0o600), "writing a package")
		if out, err := c.Do(s.ctx, "app", "add", file); err == nil {
			t.Errorf("%s was taken: %s", name, out)
		} else if e, ok := errors.AsType[*stage.CommandError](err); !ok || e.Code != 1 || strings.TrimSpace(e.Stderr) == "" {
			t.Errorf("%s: %v; want exit code 1 and a reason", name, err)
		}
	}
	files, err := apps.Files("noop")
	s.must(err, "reading an App's files")
	files["../beside.py"] = []byte("print('out')") // Pack makes that a second entry at the top
	file := filepath.Join(s.Dir, "beside.tcx")
	s.must(apps.Pack(file, files), "packing an App")
	if out, err := c.Do(s.ctx, "app", "add", file); err == nil || !strings.Contains(err.Error(), "top folder") {
		t.Errorf("a package with something beside its top folder: %v: %s", err, out)
	}
}

// TestFullDisk: an agent whose disk is full takes no orders and says so; with space again it goes
// on by itself, and what ran meanwhile is not lost.
func TestFullDisk(t *testing.T) {
	need.Python(t)
	need.Root(t)
	s := newScene(t)
	home := filepath.Join(s.Dir, "small")
	s.must(os.Mkdir(home, 0o755), "making a folder")
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", home).CombinedOutput(); err != nil {
		t.Fatalf("mounting a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		killAllIn(s.Dir)
		_ = exec.Command("umount", "-l", home).Run()
	})
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "small", "--appsRunner", "none")

	running, err := s.sleeper(c, "lab", "running", 3)
	s.must(err, "giving an order")
	s.eventually("waiting for its start", func() error {
		if s.appStarts("running") == 0 {
			return errors.New("not started")
		}
		return nil
	})
	filler, err := os.Create(filepath.Join(home, "filler"))
	s.must(err, "filling the disk")
	for chunk := make([]byte, 1<<20); err == nil; {
		_, err = filler.Write(chunk)
	}
	s.must(filler.Close(), "filling the disk")
	s.eventually("waiting for the agent to notice", func() error { // until then there may be room for a small App
		text, err := a.Do(s.ctx, "status")
		if err == nil && !strings.Contains(text, "TAKES NO ORDERS") {
			err = fmt.Errorf("status: %s", text)
		}
		return err
	})
	waiting, err := s.sleeper(c, "lab", "waiting", 0.1)
	s.must(err, "giving an order")
	// The App itself may fail to write on this disk; what became of it arrives all the same.
	if e := s.waitEnd(c, running); s.appStarts("running") != 1 || e.State != wire.State(wire.Failed) && e.State != wire.State(wire.Succeeded) {
		t.Errorf("the order that ran meanwhile ended %s (%s), started %d times", e.State, e.Message, s.appStarts("running"))
	}
	if n := s.appStarts("waiting"); n != 0 {
		t.Error("an order was taken on a full disk")
	}
	s.must(os.Remove(filler.Name()), "emptying the disk")
	s.ranOnce(c, waiting, "waiting")
}
