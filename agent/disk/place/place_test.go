package place_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"tcenvsvr/agent/disk/place"
)

func TestSame(t *testing.T) {
	home := place.Place{Path: "/a", Inode: 7, Device: 1}
	for name, tt := range map[string]struct {
		at   place.Place
		want bool
	}{
		"itself":                 {home, true},
		"renamed":                {place.Place{Path: "/b", Inode: 7, Device: 1}, true},
		"device numbered anew":   {place.Place{Path: "/a", Inode: 7, Device: 2}, true},
		"copied":                 {place.Place{Path: "/b", Inode: 9, Device: 1}, false},
		"restored":               {place.Place{Path: "/a", Inode: 9, Device: 1}, false},
		"snapshot":               {place.Place{Path: "/b", Inode: 7, Device: 2}, false},
		"unknown":                {place.Place{}, false},
		"nothing but other path": {place.Place{Path: "/b"}, false},
	} {
		if got := home.Same(tt.at); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if (place.Place{}).Same(place.Place{}) {
		t.Error("two unknown places are the same")
	}
}

func TestRealFolders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no inodes, no cp")
	}
	dir := t.TempDir()
	original := filepath.Join(dir, "original")
	if err := os.Mkdir(original, 0o700); err != nil {
		t.Fatal(err)
	}
	was, err := place.Of(original)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", original, filepath.Join(dir, "copy")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(original, filepath.Join(dir, "renamed")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"copy": false, "renamed": true} {
		is, err := place.Of(filepath.Join(dir, name))
		if err != nil || is.Same(was) != want {
			t.Errorf("%s: %+v, %v: the same as %+v: %v", name, is, err, was, is.Same(was))
		}
	}
	if _, err := place.Of(original); !os.IsNotExist(err) {
		t.Errorf("a folder that is gone: %v", err)
	}
}
