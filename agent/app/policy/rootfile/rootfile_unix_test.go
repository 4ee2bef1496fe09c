//go:build unix

package rootfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/policy/rootfile"
	"tcenvsvr/test/need"
)

// rootsFolder returns a folder that root alone can write, up to the top; the usual /tmp is
// everybody's.
func rootsFolder(t *testing.T) string {
	t.Helper()
	need.Root(t)
	dir, err := os.MkdirTemp("/run", "rootfile-test-")
	if err != nil {
		t.Skipf("there is no folder that only root can write: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func write(t *testing.T, path string, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestReadWaitsForWhatIsNewOnly(t *testing.T) {
	path := rootsFolder(t) + "/file"
	for name, c := range map[string]struct {
		age   time.Duration
		known string
		waits bool
	}{
		"old":            {age: time.Hour},
		"old, was known": {age: time.Hour, known: "text"},
		"new":            {waits: true},
		"new, was known": {known: "text"},
		"new, differs":   {known: "tex", waits: true},
		"of tomorrow":    {age: -24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, path, "text", c.age)
			var known []byte
			if c.known != "" {
				known = []byte(c.known)
			}
			begun := time.Now()
			got, err := rootfile.Read(path, 10, known)
			if err != nil || string(got) != "text" {
				t.Errorf("got %q, %v", got, err)
			}
			if waited := time.Since(begun) >= rootfile.Pause; waited != c.waits {
				t.Errorf("got waited %v, want %v", waited, c.waits)
			}
		})
	}
}

func TestReadStopsBehindTheLimit(t *testing.T) {
	path := rootsFolder(t) + "/file"
	for _, size := range []int{0, 1, 9, 10, 11, 1000} {
		text := string(bytes.Repeat([]byte("x"), size))
		write(t, path, text, time.Hour)
		if got, err := rootfile.Read(path, 10, nil); err != nil || string(got) != text[:min(size, 11)] {
			t.Errorf("%d bytes: got %q, %v", size, got, err)
		}
	}
}

func TestReadGivesUpOnWhatNeverRests(t *testing.T) {
	path := rootsFolder(t) + "/file"
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_ = os.WriteFile(path, bytes.Repeat([]byte("x"), i%7), 0o644)
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	if got, err := rootfile.Read(path, 10, nil); err == nil || !strings.Contains(err.Error(), "is being written all the time") {
		t.Errorf("got %q, %v, want an error", got, err)
	}
	close(stop)
	<-done
}

func TestReadNamesTheReason(t *testing.T) {
	dir := rootsFolder(t)
	write(t, dir+"/writable", "", time.Hour)
	if err := os.Chmod(dir+"/writable", 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("writable", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		dir + "/none":       fs.ErrNotExist,
		dir + "/none/none":  fs.ErrNotExist,
		dir + "/link/none":  rootfile.ErrUnsafe,
		dir + "/link":       rootfile.ErrUnsafe,
		dir + "/writable":   rootfile.ErrUnsafe,
		dir + "/writable/x": rootfile.ErrUnsafe,
		dir:                 rootfile.ErrUnsafe,
	} {
		if _, err := rootfile.Read(path, 10, nil); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
	for _, path := range []string{"file", dir + "/../file", dir + "//file", ""} {
		const want = `is no absolute path without ".."`
		_, err := rootfile.Read(path, 10, nil)
		for _, err := range []error{err, rootfile.Folders(path)} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", path, err, want)
			}
		}
	}
}
