//go:build unix

package handover_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/updater/handover"
)

func inbox(t *testing.T) (string, *handover.Inbox) {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "inbox")
	if err := os.MkdirAll(handover.MetadataDir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	box, err := handover.OpenInbox(home, dir, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	return dir, box
}

// What root reads of the agent's metadata is one small file of the agent's own, in that folder.
// Package slot's tests have what a hostile agent does with a program.
func TestMetadataOfAHostileAgent(t *testing.T) {
	dir, box := inbox(t)
	path := func(name string) string { return filepath.Join(handover.MetadataDir(dir), name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(path("good"), []byte("1234567890"), 0o600))
	must(os.WriteFile(path("large"), []byte("12345678901"), 0o600))
	must(os.Link(path("large"), path("two")))
	must(os.Symlink("/etc/passwd", path("link")))
	must(os.Mkdir(path("folder"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "outside"), []byte("x"), 0o600))
	must(os.WriteFile(path("long"), []byte("12345678901"), 0o600))
	for name, says := range map[string]string{
		"good":          "",
		"long":          `"long" has 11 bytes, allowed are 10`,
		"large":         `"large" has 2 names`,
		"link":          `"link" is not a regular file`,
		"folder":        `"folder" is not a regular file`,
		"../outside":    `"../outside" is not the name of a file`,
		"/etc/passwd":   `"/etc/passwd" is not the name of a file`,
		"..":            "is not a regular file",
		"2.root.json":   "no such file",
		path("good"):    "is not the name of a file",
		"folder/nobody": "is not the name of a file",
	} {
		data, err := box.ReadFile(name, 10)
		if says == "" && (err != nil || string(data) != "1234567890") || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: got %q and %v, want an error that says %q", name, data, err, says)
		}
	}
}

// The agent exchanges a file while root opens it, which root sees sooner or later: what it opened is
// not what it looked at.
func TestExchangedWhileOpened(t *testing.T) {
	dir, box := inbox(t)
	file := filepath.Join(handover.MetadataDir(dir), "timestamp.json")
	stop, stopped := make(chan struct{}), make(chan struct{})
	write := func() {
		if err := os.WriteFile(file+".new", []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Error(err)
		}
	}
	write()
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				write()
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		switch _, err := box.ReadFile("timestamp.json", 10); {
		case err == nil:
		case strings.Contains(err.Error(), `timestamp.json" was exchanged while it was opened`):
			return
		case strings.Contains(err.Error(), "has 0 names"): // the old one, after its name went to the new one
		default:
			t.Fatal(err)
		}
	}
	t.Error("nobody noticed")
}
