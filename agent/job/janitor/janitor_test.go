package janitor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// made makes a session with some content that was touched age ago.
func made(t *testing.T, jobs, name string, age time.Duration) string {
	t.Helper()
	dir := filepath.Join(jobs, name)
	if err := errors.Join(Make(dir), os.WriteFile(filepath.Join(dir, "out", "f"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-age)
	for _, d := range append([]string{""}, Folders...) {
		if err := os.Chtimes(filepath.Join(dir, d), when, when); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestSweep(t *testing.T) {
	const day = 24 * time.Hour
	jobs, outside := t.TempDir(), t.TempDir()
	made(t, jobs, "old.1", 10*day)
	made(t, jobs, "unacknowledged.1", 10*day)
	made(t, jobs, "new.1", day)
	long := made(t, jobs, "long.1", 10*day) // began long ago, wrote yesterday
	yesterday := time.Now().Add(-day)
	if err := errors.Join(
		os.Chtimes(filepath.Join(long, "out"), yesterday, yesterday),
		os.Mkdir(filepath.Join(jobs, trash+"x"), 0o700),
		os.WriteFile(filepath.Join(outside, "kept"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(jobs, "old.1", "out", "link")); err != nil {
		t.Log(err) // Windows without the right to
	}
	keep := func(session string) bool { return session == "unacknowledged.1" }
	old := time.Now().Add(-10 * day)
	if err := os.Chtimes(filepath.Join(jobs, "old.1", "out"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := (Janitor{Dir: jobs}).Sweep(t.Context(), Bounds{Age: 7 * day}, keep); err != nil {
		t.Fatal(err)
	}
	if got := names(t, jobs); !slices.Equal(got, []string{"long.1", "new.1", "unacknowledged.1"}) {
		t.Errorf("left: %q", got)
	}
	if got := names(t, outside); len(got) != 1 {
		t.Error("a link was followed")
	}
}

func TestSweepStopsWithItsContext(t *testing.T) {
	jobs := t.TempDir()
	made(t, jobs, "old.1", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Janitor{Dir: jobs}).Sweep(ctx, Bounds{Age: 0}, func(string) bool { return false }); !errors.Is(err, context.Canceled) || len(names(t, jobs)) != 1 {
		t.Errorf("got %v, %q", err, names(t, jobs))
	}
}

// TestRoomIsBounded: the oldest finished jobs go first, those of the journal never.
func TestRoomIsBounded(t *testing.T) {
	for _, most := range []Bounds{{Age: time.Hour, Bytes: 400 << 10}, {Age: time.Hour, Bytes: 1 << 40, Files: 25}} {
		dir := t.TempDir()
		for i, name := range []string{"a.1", "b.1", "c.1", "d.1", "e.1"} { // each 100 KiB and more, 7 files
			file := filepath.Join(made(t, dir, name, time.Duration(50-i)*time.Minute), "out", "f")
			if err := os.WriteFile(file, make([]byte, 100<<10), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := Janitor{Dir: dir}.Sweep(t.Context(), most, func(session string) bool { return session == "a.1" })
		if err != nil {
			t.Fatal(err)
		}
		if got, want := names(t, dir), []string{"a.1", "c.1", "d.1", "e.1"}; !slices.Equal(got, want) {
			t.Errorf("bounds %+v: left are %v, want %v", most, got, want)
		}
	}
}
