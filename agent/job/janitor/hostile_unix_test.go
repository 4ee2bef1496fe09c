//go:build unix

package janitor

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An App that can write where a session is to be made puts something of the agent's there: nothing
// of it is changed.
func TestMakeTouchesNothingThatAnAppPutThere(t *testing.T) {
	for name, plant := range map[string]func(dir, secret string) error{
		"a link to the keystore":      func(dir, secret string) error { return os.Symlink(secret, dir) },
		"a link to a folder":          func(dir, secret string) error { return os.Symlink(filepath.Dir(secret), dir) },
		"a relative link":             func(dir, _ string) error { return os.Symlink("../state", dir) },
		"a file":                      func(dir, _ string) error { return os.WriteFile(dir, nil, 0o600) },
		"a link in a session, in":     func(dir, secret string) error { return plantIn(dir, "in", secret) },
		"a link in a session, shim":   func(dir, secret string) error { return plantIn(dir, "shim", filepath.Dir(secret)) },
		"a link in a session, within": func(dir, _ string) error { return plantIn(dir, "tmp", "other") },
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			jobs, state := filepath.Join(base, "jobs"), filepath.Join(base, "state")
			secret := filepath.Join(state, "keystore.p12")
			dir := filepath.Join(jobs, "ORDER.2")
			if err := errors.Join(os.Mkdir(jobs, 0o755), os.Mkdir(state, 0o711), os.WriteFile(secret, nil, 0o600), plant(dir, secret)); err != nil {
				t.Fatal(err)
			}
			if err := Make(dir); err == nil || !strings.Contains(err.Error(), "is no folder of the agent's: an App put it there") {
				t.Errorf("got %v, want a refusal", err)
			}
			for path, want := range map[string]os.FileMode{secret: 0o600, state: os.ModeDir | 0o711} {
				if info, err := os.Lstat(path); err != nil || info.Mode() != want {
					t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
				}
			}
			if entries, _ := os.ReadDir(state); len(entries) != 1 {
				t.Errorf("something was made among the agent's files: %v", entries)
			}
		})
	}
}

func plantIn(dir, name, target string) error {
	return errors.Join(os.Mkdir(dir, 0o770), os.Mkdir(filepath.Join(dir, "other"), 0o770), os.Symlink(target, filepath.Join(dir, name)))
}

// A time of modification that lies ahead was set by an App: the folder goes when it is old by the
// times that no App can set.
func TestSweepIsNotKeptByAFalseTime(t *testing.T) {
	jobs := t.TempDir()
	dir := filepath.Join(jobs, "ORDER.1")
	if err := Make(dir); err != nil {
		t.Fatal(err)
	}
	ahead := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, d := range append([]string{""}, Folders...) {
		if err := os.Chtimes(filepath.Join(dir, d), ahead, ahead); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond) // older than what Sweep is told
	if err := (Janitor{Dir: jobs}).Sweep(t.Context(), Bounds{Age: 10 * time.Millisecond}, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// TestMeasure: however many files an App leaves in a folder, however deep and wherever its links
// lead, what can be seen is counted once, and little of it is in memory.
func TestMeasure(t *testing.T) {
	jobs := t.TempDir()
	out := filepath.Join(jobs, "ORDER.1", "out")
	if err := os.MkdirAll(filepath.Join(out, strings.Repeat("d/", 200)), 0o700); err != nil {
		t.Fatal(err)
	}
	const many = 30_000
	for i := range many {
		if err := os.Symlink("/", filepath.Join(out, strings.Repeat("name", 20)+strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	defer debug.SetGCPercent(debug.SetGCPercent(1)) // the heap is what is held
	most, stop, stopped := uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	f := measure(jobs, "ORDER.1")
	close(stop)
	<-stopped
	if want := int64(1 + 1 + many + mostLevels - 1); f.files != want {
		t.Errorf("counted %d files, want %d", f.files, want)
	}
	if held := int64(most) - int64(before.HeapAlloc); held > 4<<20 {
		t.Errorf("%d KiB were held", held>>10)
	} else {
		t.Logf("%d KiB were held", held>>10)
	}
}
