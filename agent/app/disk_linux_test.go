package app

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/disk"
)

// small mounts a small file system.
func small(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// The disk is full of bytes before the download, or of files in the middle of unpacking. Nothing
// half-made is left.
func TestFullDisk(t *testing.T) {
	many := map[string][]byte{"install.json": []byte(`{"programName":"Many","programLanguage":"python","programMain":"run","programVersion":"1"}`)}
	for i := range 60 {
		many[fmt.Sprintf("f%d", i)] = []byte("x")
	}
	noise := make([]byte, 4<<20)
	_, _ = rand.Read(noise)
	big := map[string][]byte{"install.json": many["install.json"], "data": noise}
	for _, tt := range []struct {
		name, options string
		files         map[string][]byte
	}{
		{"no room for the download", "size=1m", big},
		{"no room for what is in it", "size=6m", big},
		{"no room for so many files", "size=64m,nr_inodes=40", many},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := t.TempDir() + "/a.tcx"
			if err := apps.Pack(file, tt.files); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			c := catalog(t, small(t, tt.options))
			_, err = c.InstallFile(t.Context(), f)
			if Code(err) != fault.NoSpace {
				t.Fatalf("got %q, %v", Code(err), err)
			}
			for _, name := range c.leftovers(t) {
				if !strings.HasSuffix(name, partSuffix) {
					t.Errorf("left over: %q", name)
				}
			}
			if entries, err := os.ReadDir(c.Dir); err != nil || len(entries) != 4 { // downloads, origins and seals
				t.Errorf("installed: %v, %v", entries, err)
			}
		})
	}
}

// TestSickDiskWhileItIsCompiled: a disk that can no longer be written, at any step, costs the
// bytecode and nothing else: the App can be started meanwhile, and is compiled when the disk is
// well.
func TestSickDiskWhileItIsCompiled(t *testing.T) {
	for _, at := range []string{"compiled", "recorded", "deps/two/__pycache__/__init__.cpython-311.pyc"} {
		t.Run(filepath.Base(at), func(t *testing.T) {
			d, x := disk.New(t, disk.Size(128<<20), disk.Inodes(1000)), modular(t)
			c, err := Open(CatalogConfig{Dir: d.Dir, Compiler: newCompiler(t, t.TempDir())})
			if err != nil {
				t.Fatal(err)
			}
			app, err := c.Install(t.Context(), x.ref, x.fetch)
			if err != nil {
				t.Fatal(err)
			}
			c.step = func(step string) {
				if step == at {
					d.ReadOnly()
				}
			}
			c.Started(app)
			c.compileAll(t)
			if p := c.Bytecode().Problems; len(p) != 1 {
				t.Errorf("problems: %+v", p)
			}
			for range 2 {
				if _, ok := c.Lookup(x.ref); !ok || len(c.Damages()) > 0 {
					t.Errorf("found: %v, damages: %+v", ok, c.Damages())
				}
			}
			compiledItself(t, app.Dir)
			d.Writable()
			c = reopen(t, c)
			if _, ok := c.Lookup(x.ref); !ok || len(c.Damages()) > 0 {
				t.Errorf("afterwards found: %v, damages: %+v", ok, c.Damages())
			}
			c.Started(app)
			c.compileAll(t)
			if n := compiledItself(t, app.Dir); n != "0" {
				t.Errorf("Python compiled %s modules", n)
			}
			for _, name := range c.leftovers(t) {
				if !strings.HasSuffix(name, partSuffix) { // its removal was not durable
					t.Errorf("left over: %q", name)
				}
			}
		})
	}
}
