package gatewaytest

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"
)

// Crash returns a cloud that finds what a killed one leaves behind.
func (c *Cloud) Crash() *Cloud {
	c.T.Helper()
	o := c.Options
	o.CA, o.Referee = c.CA, c.Referee
	if len(o.URLs) == 0 {
		o.Dir = filepath.Join(c.T.TempDir(), "store")
		c.rest() // its probes change the folder each second
		if err := snapshot(o.Dir, c.Options.Dir); err != nil {
			c.T.Fatal(err)
		}
	}
	c.stop()
	return Start(c.T, o)
}

// snapshot copies a folder as it is at one moment, as kill -9 leaves it: where something changes or
// goes meanwhile it is copied again.
func snapshot(to, from string) error {
	for end := time.Now().Add(Timeout); ; time.Sleep(10 * time.Millisecond) {
		before, err := files(from)
		if err == nil {
			err = os.CopyFS(to, os.DirFS(from))
		}
		if err == nil {
			var after map[string]file
			if after, err = files(from); err == nil && maps.Equal(before, after) {
				return nil
			}
		}
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case time.Now().After(end):
			return errors.Join(errors.New("the folder changes all the time"), err)
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
}

// file is what tells that a file has changed.
type file struct {
	size int64
	at   time.Time
}

func files(dir string) (map[string]file, error) {
	all := map[string]file{}
	return all, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[path] = file{info.Size(), info.ModTime()}
		}
		return err
	})
}

// hurry ends the test program, with the stacks of all goroutines, unless done is called in time:
// what hangs in a cloud would hang for as long as the test program may run, and say nothing.
func hurry(t testing.TB, doing string) (done func()) {
	timer := time.AfterFunc(8*Timeout, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": " + doing + " does not end")
	})
	return func() { timer.Stop() }
}
