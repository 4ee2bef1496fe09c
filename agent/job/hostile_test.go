//go:build unix

package job

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

// TestPlanted: what the App puts in the place of the shim's files is not followed, not waited for
// and not believed.
func TestPlanted(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte(`{"code":0,"started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(path string) error{
		"link":          func(path string) error { return os.Symlink(outside, path) },
		"dangling link": func(path string) error { return os.Symlink("/no/such", path) },
		"fifo":          func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"folder":        func(path string) error { return os.Mkdir(path, 0o777) },
		"socket": func(path string) error {
			t.Chdir(filepath.Dir(path))
			_, err := net.Listen("unix", filepath.Base(path))
			return err
		},
		"huge":    func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o666) },
		"empty":   func(path string) error { return os.WriteFile(path, nil, 0o666) },
		"garbage": func(path string) error { return os.WriteFile(path, []byte("{}{}"), 0o666) },
		"lie":     func(path string) error { return os.WriteFile(path, []byte(`{"code":0}`), 0o666) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := jobDir(t)
			if err := os.Mkdir(filepath.Join(dir, "shim"), 0o770); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{spec.ExitFile, spec.StateFile, spec.StdoutFile} {
				if err := plant(filepath.Join(dir, "shim", file)); err != nil {
					t.Fatal(err)
				}
			}
			if exit, ok, err := ReadExit(dir); ok || err == nil {
				t.Errorf("ReadExit: %+v, %v, %v", exit, ok, err)
			}
			if p, err := newExecutor(t).Attach(dir, Status{}); err == nil {
				t.Errorf("Attach: %+v", p.Status())
			}
			if f, err := OpenOutput(dir, Stdout); err == nil {
				if info, _ := f.Stat(); !info.Mode().IsRegular() || name == "link" {
					t.Errorf("OpenOutput: %v", info.Mode())
				}
				_ = f.Close()
			}
		})
	}
	t.Run("folder is a link", func(t *testing.T) {
		dir := jobDir(t)
		if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "shim")); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenOutput(dir, "outside"); err == nil {
			t.Error("OpenOutput went through the link")
		}
	})
}

// TestVandal: an App that destroys all the shim's files still ends with its true result for the
// agent that is there.
func TestVandal(t *testing.T) {
	l := shell(t, `cd shim; rm -f * ; mkfifo exit.reserve state.new; ln -s /etc/passwd exit; echo bye; exit 6`)
	if exit := run(t, l); exit.Code != 6 || exit.Stdout.Written != 4 {
		t.Errorf("%+v", exit)
	}
}

// TestPlantedExit: whatever the App puts where the record of its end belongs, an agent that comes
// later finds the true one.
func TestPlantedExit(t *testing.T) {
	for name, script := range map[string]string{
		"pipe":            "rm exit.reserve; mkfifo exit.reserve",
		"folder":          "rm exit.reserve; mkdir exit.reserve",
		"link":            "rm exit.reserve; ln -s /etc/passwd exit.reserve",
		"a lie":           `rm exit.reserve; echo '{"code":0,"started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:00Z"}' > exit.reserve`,
		"exit is a pipe":  "mkfifo exit",
		"exit is a link":  "ln -s /etc/passwd exit",
		"exit is folders": "mkdir -p exit/deep; touch exit/deep/file; chmod 0 exit/deep; chmod 500 exit",
		"both":            "rm exit.reserve; mkfifo exit.reserve; mkdir -p exit/x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := shell(t, "cd shim; "+script+"; exit 6")
			p := start(t, l)
			wait(t, p)
			for p.alive() { // the record is durable when the shim has gone
				time.Sleep(time.Millisecond)
			}
			if exit, ok, err := ReadExit(l.Dir); err != nil || !ok || exit.Code != 6 {
				t.Errorf("ReadExit: %+v, %v, %v", exit, ok, err)
			}
		})
	}
}

// TestFolderTakenAway: the shim is still heard.
func TestFolderTakenAway(t *testing.T) {
	linuxOnly(t)
	l := shell(t, `rm -r shim; echo > out/ready; exec sleep 1000`)
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonCancelled {
		t.Errorf("%+v", exit)
	}
}

// TestDeafShim: a job whose shim does not listen can still be cancelled.
func TestDeafShim(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the timeout of Cancel")
	}
	linuxOnly(t)
	l := shell(t, `until grep -q '"running"' shim/state; do sleep 0.01; done; kill -STOP $PPID; until grep -q '^State:.T' /proc/$PPID/status; do sleep 0.01; done; echo > out/ready; exec sleep 1000`)
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
}

// TestImpostor: somebody else who listens in the shim's folder is not heard.
func TestImpostor(t *testing.T) {
	l := shell(t, `exec sleep 1000`)
	p := start(t, l)
	t.Chdir(filepath.Join(l.Dir, "shim"))
	ln, err := net.Listen("unix", "sock")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := sock.Dial(t.Context(), l.Dir, os.Getpid()+1, p.Status().Token); err == nil || !strings.Contains(err.Error(), "listens instead of") {
		t.Errorf("talking to an impostor: %v, %v", c, err)
	}
	_ = ln.Close()
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

// TestSquatter: the name of the socket without a file, which any user of the host could take,
// cannot be known before the shim has it.
func TestSquatter(t *testing.T) {
	linuxOnly(t)
	for pid := os.Getpid(); pid < os.Getpid()+500; pid++ {
		if ln, err := net.Listen("unix", fmt.Sprintf("@tcenvsvr/shim/%d", pid)); err == nil {
			defer ln.Close()
		}
	}
	first, second := start(t, shell(t, `exec sleep 1000`)), start(t, shell(t, `exec sleep 1000`))
	if a, b := first.Status().Token, second.Status().Token; len(a) < 20 || a == b {
		t.Errorf("the names are %q and %q", a, b)
	}
	for _, p := range []*Process{first, second} {
		if err := p.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Reason != ReasonCancelled {
			t.Errorf("%+v", exit)
		}
	}
}

// TestCrowd: clients that come and say nothing do not keep the agent out.
func TestCrowd(t *testing.T) {
	l := shell(t, `exec sleep 1000`)
	p := start(t, l)
	for range 100 {
		c, err := sock.Dial(t.Context(), l.Dir, p.Status().ShimPID, p.Status().Token)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

// TestHeldPipe: a stranger that holds the App's stdout does not hold the job.
func TestHeldPipe(t *testing.T) {
	linuxOnly(t)
	l := shell(t, `echo $$ > out/pid; while [ ! -s in/go ]; do sleep 0.01; done; echo bye`)
	p := start(t, l)
	pid := await(t, l.Dir+"/out/pid")
	pipe, err := os.OpenFile("/proc/"+pid+"/fd/1", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if err := os.WriteFile(l.Dir+"/in/go", []byte("go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exit := wait(t, p)
	if exit.Code != 0 || exit.Stdout.Written != 4 || !strings.Contains(exit.Stdout.Error, "stranger") || exit.Stderr.Error != "" {
		t.Errorf("%+v", exit)
	}
}

// TestFullDisk: a start on a full disk is refused by name; a disk that fills up costs output, never
// the result.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a small file system: %v: %s", err, out)
	}
	defer func() { // lazily: the last shim may still be on its way out
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %v: %s", err, out)
		}
	}()
	l := shell(t, `head -c 1000000 /dev/zero; echo full > out/x; echo "code $?" >&2; exit 3`)
	l.Dir = filepath.Join(dir, "a")
	if err := os.MkdirAll(l.Dir+"/out", 0o770); err != nil {
		t.Fatal(err)
	}
	p := start(t, l)
	exit := wait(t, p)
	if exit.Code != 3 || exit.Stdout.Written != 1_000_000 || exit.Stdout.Kept >= 256<<10 || !strings.Contains(exit.Stdout.Error, "no space") {
		t.Errorf("%+v", exit)
	}
	if !strings.Contains(exit.StderrTail, "code ") {
		t.Errorf("tail of stderr: %q", exit.StderrTail)
	}
	awaitEnd(t, p)
	if again, ok, err := ReadExit(l.Dir); err != nil || !ok || again != exit {
		t.Errorf("recorded: %+v, %v, %v", again, ok, err)
	}
	l.Dir = filepath.Join(dir, "b")
	if err := os.Mkdir(l.Dir, 0o770); err != nil {
		t.Fatal(err)
	}
	_, err := newExecutor(t).Start(t.Context(), l)
	if e := startError(t, err); e.Code != spec.CodeNoSpace {
		t.Errorf("starting on a full disk: %q: %v", e.Code, e)
	}
}
