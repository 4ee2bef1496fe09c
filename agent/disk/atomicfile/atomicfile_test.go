package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The two contents that the crash test's child writes in turn.
var contents = [][]byte{bytes.Repeat([]byte("a"), 64<<10), bytes.Repeat([]byte("b"), 100<<10)}

const childVar = "ATOMICFILE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		for i := 0; ; i++ {
			if err := WriteFile(path, contents[i%2], 0o644); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// A process is killed again and again while it writes: whoever reads, before or after, sees the old
// or the new content.
func TestKilledWriterLeavesAWholeFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if err := WriteFile(path, contents[0], 0o644); err != nil {
		t.Fatal(err)
	}
	for round := range 25 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVar+"="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		last := byte(0)
		for changes := 0; changes < 2+round%3; {
			if got := readWhole(t, path)[0]; got != last {
				changes, last = changes+1, got
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		readWhole(t, path)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "state")
}

func readWhole(t *testing.T, path string) []byte {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
		t.Fatalf("%d bytes, neither the old nor the new content", len(got))
	}
	return got
}

func TestAFailedWriteKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("source broke")
	err := Write(path, 0o600, func(w io.Writer) error {
		_, _ = w.Write([]byte("half of the n"))
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q, want the old content", got)
	}
	wantOnly(t, dir, "state")

	if err := WriteFile(filepath.Join(dir, "no", "folder"), nil, 0o600); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestSweepTakesOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".state.123.tmp", "kept.tmp", ".kept", "state"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".folder.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, ".folder.tmp", ".kept", "kept.tmp", "state")
}

func TestRemoveTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(names) {
		t.Fatalf("folder has %q, want %q", got, names)
	}
	for i := range got {
		if got[i] != names[i] {
			t.Fatalf("folder has %q, want %q", got, names)
		}
	}
}
