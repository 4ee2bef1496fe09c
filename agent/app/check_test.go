package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/app/seal"
	"tcenvsvr/test/disk"
)

// TestDamageIsFound: whatever becomes of a file of an installed App, or of its seal, the App is not
// started from it, by this catalog or by the next.
func TestDamageIsFound(t *testing.T) {
	for _, target := range []string{"run.py", "install.json", "seal"} {
		for how, damage := range disk.Damages {
			t.Run(target+" "+how, func(t *testing.T) {
				dir, x := t.TempDir(), noop(t, "1.0.0")
				c := catalog(t, dir)
				app, err := c.Install(t.Context(), x.ref, x.fetch)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(app.Dir, target)
				if target == "seal" {
					path = c.sealOf(x.ref.SHA256)
				}
				before, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := damage(path); err != nil {
					t.Fatal(err)
				}
				_ = os.Chtimes(path, before.ModTime(), before.ModTime()) // as a disk does it
				if target == "seal" {
					c = catalog(t, dir) // the first one remembers
				}
				if _, ok := c.Lookup(x.ref); ok {
					t.Error("it was taken as it is")
				}
				if len(c.Damages()) != 1 || !c.Damages()[0].Mended.IsZero() {
					t.Fatalf("damages: %+v", c.Damages())
				}
				if _, err := c.Install(t.Context(), x.ref, x.fetch); err != nil {
					t.Fatal(err)
				}
				if _, ok := c.Lookup(x.ref); !ok || c.Damages()[0].Mended.IsZero() {
					t.Errorf("installed again, found: %v, damages: %+v", ok, c.Damages())
				}
			})
		}
	}
}

// TestTouchedAppsStay: a copy of the home, or new labels on its files, are no damage.
func TestTouchedAppsStay(t *testing.T) {
	dir, x := t.TempDir(), noop(t, "1.0.0")
	app, err := catalog(t, dir).Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(app.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chtimes(path, time.Now(), time.Unix(1e9, 0))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds a new seal
		c := catalog(t, dir)
		if _, ok := c.Lookup(x.ref); !ok || len(c.Damages()) > 0 {
			t.Errorf("found: %v, damages: %+v", ok, c.Damages())
		}
	}
}

// TestCheckIsShared: orders of an App that come at once wait for one check that began after all of them had
// come; an order that comes after a check has another one.
func TestCheckIsShared(t *testing.T) {
	x := noop(t, "1.0.0")
	c := catalog(t, t.TempDir())
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	i := c.there[x.ref.SHA256]
	for n := range uint64(2) {
		if _, ok := c.Lookup(x.ref); !ok || i.begun.Load() != n+1 {
			t.Fatalf("found: %v, after %d checks", ok, i.begun.Load())
		}
	}
	const callers = 8
	var asked, found atomic.Int64
	c.step = func(step string) {
		if step == "asked" {
			asked.Add(1)
		}
	}
	at := func(want int64) {
		t.Helper()
		asked.Store(0)
		found.Store(0)
		i.checking.Lock()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				if _, ok := c.Lookup(x.ref); ok {
					found.Add(1)
				}
			})
		}
		for asked.Load() < callers {
			time.Sleep(time.Millisecond)
		}
		if want == 0 {
			if err := os.WriteFile(filepath.Join(app.Dir, "run.py"), nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		i.checking.Unlock()
		all.Wait()
		if got := found.Load(); got != want {
			t.Errorf("%d of %d orders found the App, want %d", got, callers, want)
		}
	}
	at(callers)
	if got := i.begun.Load(); got != 3 {
		t.Errorf("%d checks, want 1 more than the 2 before", got)
	}
	at(0) // what changed while they waited, each of them sees
}

// TestBusyApp: an App that is started often is looked at a few times a second, and what has changed is seen by the
// next look; one that is started now and then is looked at each time.
func TestBusyApp(t *testing.T) {
	x := noop(t, "1.0.0")
	synctest.Test(t, func(t *testing.T) {
		c := catalog(t, t.TempDir())
		app, err := c.Install(t.Context(), x.ref, x.fetch)
		if err != nil {
			t.Fatal(err)
		}
		i := c.there[x.ref.SHA256]
		looked := func(want uint64) {
			t.Helper()
			if _, ok := c.Lookup(x.ref); !ok || i.begun.Load() != want {
				t.Fatalf("found: %v, after %d checks; want %d", ok, i.begun.Load(), want)
			}
		}
		for n := range uint64(2 * busy) {
			looked(n + 1)
			time.Sleep(time.Second / busy)
		}
		time.Sleep(time.Second)
		for n := range uint64(2 * busy) {
			looked(2*busy + min(n+1, busy))
		}
		if err := os.WriteFile(filepath.Join(app.Dir, "run.py"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		looked(3 * busy)
		time.Sleep(lookCounts)
		if _, ok := c.Lookup(x.ref); ok {
			t.Error("what has changed since the last look was not seen")
		}
	})
}

// TestContentsAreRead: a disk may change what no time tells.
func TestContentsAreRead(t *testing.T) {
	dir, x := t.TempDir(), noop(t, "1.0.0")
	c := catalog(t, dir)
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	c.Verify(t.Context(), 0)
	if len(c.Damages()) > 0 {
		t.Fatalf("damages of a sound App: %+v", c.Damages())
	}
	path := filepath.Join(app.Dir, "run.py")
	data, _ := os.ReadFile(path)
	data[0] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	i := c.there[x.ref.SHA256]
	looks, err := seal.Look(app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	i.look = looks.App // as if the file system said nothing
	if _, ok := c.Lookup(x.ref); !ok {
		t.Fatal("the test does not hide the damage")
	}
	c.Verify(t.Context(), 0)
	if _, ok := c.Lookup(x.ref); ok || len(c.Damages()) != 1 {
		t.Errorf("found: %v, damages: %+v", ok, c.Damages())
	}
}
