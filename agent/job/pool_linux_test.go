package job

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServe: a shim serves one job after the other, and each has a world, a folder and an end of its own.
func TestServe(t *testing.T) {
	for name, launch := range map[string]func(testing.TB, string) Launch{"off": shell, "full": isolated} {
		t.Run(name, func(t *testing.T) {
			e := serving(t, 1)
			var shim int
			var before string
			for i := range 5 {
				l := launch(t, `echo "$WHO"; echo "$WHO" > log/app.log; cat "$LAST" 2>/dev/null; ls in; umask; trap; exit 7`)
				l.Files = []File{{Path: "in/secret", Data: []byte("secret of this job\n")}}
				l.Env = append(l.Env, "WHO=job "+string(rune('a'+i)), "LAST="+before)
				l.Logs = "log"
				p, exit := one(t, e, l)
				if exit.Code != 7 || exit.Reason != "" || exit.Killed != 0 {
					t.Fatalf("%+v", exit)
				}
				if i > 0 && p.Status().ShimPID != shim {
					t.Errorf("job %d has shim %d, not %d", i, p.Status().ShimPID, shim)
				}
				shim = p.Status().ShimPID
				if got, want := output(t, l.Dir, Stdout), "job "+string(rune('a'+i))+"\nsecret\n0007\n"; got != want {
					t.Errorf("job %d printed %q, want %q", i, got, want)
				}
				if got := output(t, l.Dir, Log); got != "job "+string(rune('a'+i))+"\n" {
					t.Errorf("log of job %d: %q", i, got)
				}
				if _, err := os.Lstat(filepath.Join(l.Dir, "in/secret")); err == nil {
					t.Errorf("in/secret of job %d is left", i)
				}
				if recorded, ok, err := ReadExit(l.Dir); !ok || err != nil || recorded.Code != 7 {
					t.Errorf("recorded: %+v, %v, %v", recorded, ok, err)
				}
				if name == "full" {
					before = filepath.Join(l.Dir, "shim/stdout")
				}
				waiting(t, e, 1)
			}
		})
	}
}

// TestServeLeaksNothing: a shim has as many descriptors and threads after many jobs as after a few.
func TestServeLeaksNothing(t *testing.T) {
	e := serving(t, 1)
	open := func(pid int) int {
		t.Helper()
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			t.Skip(err) // not root: the shim closes itself to others
		}
		return len(list)
	}
	few, shim := 0, 0
	for i := range 40 {
		launch := shell
		if i%2 == 0 {
			launch = isolated
		}
		p, _ := one(t, e, launch(t, "echo; exit 0"))
		waiting(t, e, 1)
		if i == 9 {
			few, shim = open(p.Status().ShimPID), p.Status().ShimPID
		}
	}
	// It tells the agent of a job's end before it has closed all that the job had.
	for end := time.Now().Add(10 * time.Second); open(shim) > few+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors are open after 40 jobs, %d after 10", open(shim), few)
		}
	}
}

// TestInitWaits: a shim that waits has the init of the next App's world already, whatever the next job is and
// whoever has ended it meanwhile.
func TestInitWaits(t *testing.T) {
	e := serving(t, 1)
	inits := func(shim int) []string {
		t.Helper()
		children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", shim))
		if err != nil || len(children) == 0 {
			t.Skipf("this kernel does not tell whose child a process is: %v", err)
		}
		var all []string
		for _, file := range children {
			data, _ := os.ReadFile(file)
			all = append(all, strings.Fields(string(data))...)
		}
		return all
	}
	shim := waiting(t, e, 1)[0].pid
	run := func(l Launch) {
		t.Helper()
		if p, exit := one(t, e, l); exit.Code != 7 || exit.Reason != "" || exit.Killed != 0 || p.Status().ShimPID != shim {
			t.Fatalf("%+v, %+v", p.Status(), exit)
		}
		waiting(t, e, 1)
	}
	await := func(want int) []string {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			list := inits(shim)
			if len(list) == want {
				return list
			}
			if time.Now().After(deadline) {
				t.Fatalf("the shim has children %q, want %d", list, want)
			}
		}
	}
	await(1)
	run(inWorld(shell(t, "exit 7")))
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		pid, err := strconv.Atoi(await(1)[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
		run(inWorld(shell(t, "exit 7")))
	}
	await(1)
	run(shell(t, "exit 7"))
	await(0)
	run(inWorld(shell(t, "exit 7")))
	await(1)
}
