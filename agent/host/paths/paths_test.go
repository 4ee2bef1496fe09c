package paths

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestCreateMakesWhatIsMissingAndKeepsWhatIsThere(t *testing.T) {
	p, err := New(filepath.Join(t.TempDir(), "deep", "home"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(p.Jobs, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing on Windows")
	}
	for dir, want := range map[string]os.FileMode{p.Programs: 0o755, p.Journal: 0o700, p.Logs: 0o750, p.Jobs: 0o750} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", dir, got, want)
		}
	}
	if err := p.Create(); err != nil {
		t.Errorf("Create a second time: %v", err)
	}
}

func TestCreateRefusesAFileInTheWay(t *testing.T) {
	p, _ := New(t.TempDir())
	if err := os.WriteFile(p.State, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(); err == nil || !strings.Contains(err.Error(), strconv.Quote(p.State)+" is there and not a folder") {
		t.Errorf("got %v, want an error that names %s", err, p.State)
	}
}

func TestControlFitsASocketHoweverDeepTheHome(t *testing.T) {
	t.Setenv("TMPDIR", "/tmp")
	home := filepath.Join(t.TempDir(), strings.Repeat("a-long-folder-name/", 8))
	p, err := New(home)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Control) > maxSocket || strings.HasPrefix(p.Control, home) {
		t.Fatalf("control socket %q is %d bytes long, want at most %d", p.Control, len(p.Control), maxSocket)
	}
	if other, _ := New(home + "2"); other.Control == p.Control {
		t.Error("two homes share a control socket")
	}
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(p.Control)) })
	l, err := net.Listen("unix", p.Control)
	if err != nil {
		t.Fatalf("the socket cannot be made: %v", err)
	}
	_ = l.Close()

	if err := os.Chmod(filepath.Dir(p.Control), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(); err == nil || !strings.Contains(err.Error(), "is not a folder of this user alone; remove it or use a shorter home") {
		t.Errorf("a folder that everybody may write: got %v", err)
	}
}
