package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/test/apps"
)

// tcx is a package and how an order names it.
type tcxFile struct {
	ref  Ref
	data []byte
}

func noop(t testing.TB, version string) tcxFile {
	t.Helper()
	file, err := apps.BuildVersion("noop", version, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return named(data, version)
}

func named(data []byte, version string) tcxFile {
	sum := sha256.Sum256(data)
	return tcxFile{data: data, ref: Ref{Name: "Test - Noop", Version: version, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}}
}

// fetch serves the package from any offset.
func (x tcxFile) fetch(_ context.Context, offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(x.data[offset:])), nil
}

func catalog(t testing.TB, dir string) *Catalog {
	t.Helper()
	c, err := Open(CatalogConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leftovers lists what lies in the folder of downloads.
func (c *Catalog) leftovers(t testing.TB) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(c.incoming)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestInstall(t *testing.T) {
	dir, x := t.TempDir(), noop(t, "3.1.4")
	c := catalog(t, dir)
	if _, ok := c.Lookup(x.ref); ok {
		t.Error("found before it was installed")
	}
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "Test_-_Noop_v3", x.ref.SHA256); app.Dir != want || app.Manifest.Main != "run.py" {
		t.Errorf("got %q and %+v, want %q", app.Dir, app.Manifest, want)
	}
	if got := c.leftovers(t); len(got) != 0 {
		t.Errorf("left over: %q", got)
	}
	for name, c := range map[string]*Catalog{"same": c, "after a restart": catalog(t, dir)} {
		if got, ok := c.Lookup(x.ref); !ok || got.Dir != app.Dir || got.Manifest.Main != "run.py" {
			t.Errorf("%s: got %+v, %t", name, got, ok)
		}
	}
	// Somebody removes it: noticed, and put right.
	if err := os.Remove(filepath.Join(app.Dir, "install.json")); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Lookup(x.ref); ok {
		t.Error("found after it was damaged")
	}
	if _, err := c.Install(t.Context(), x.ref, x.fetch); err != nil {
		t.Error(err)
	}
	if got := c.leftovers(t); len(got) != 0 {
		t.Errorf("left over: %q", got)
	}
}

func TestInstallRefuses(t *testing.T) {
	x := noop(t, "1.0.0")
	flipped := bytes.Clone(x.data)
	flipped[len(flipped)/2] ^= 1
	notZip := named([]byte("MZ"), "1")
	with := func(change func(*Ref)) Ref { r := x.ref; change(&r); return r }
	for _, tt := range []struct {
		name, code string
		ref        Ref
		data       []byte
		parts      int // files left to go on with
	}{
		{"wrong sha256", fault.SHA256Mismatch, x.ref, flipped, 0},
		{"longer than said", fault.SizeMismatch, with(func(r *Ref) { r.Size-- }), x.data, 0},
		{"truncated", fault.Truncated, x.ref, x.data[:100], 1},
		{"no package", fault.BadZip, notZip.ref, notZip.data, 0},
		{"sha256 that is a path", fault.Unsupported, with(func(r *Ref) { r.SHA256 = "../../x" }), x.data, 0},
		{"no size", fault.TooLarge, with(func(r *Ref) { r.Size = 0 }), x.data, 0},
		{"huge size", fault.TooLarge, with(func(r *Ref) { r.Size = 1 << 40 }), x.data, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			c := catalog(t, dir)
			_, err := c.Install(t.Context(), tt.ref, func(_ context.Context, offset int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(tt.data[min(offset, int64(len(tt.data))):])), nil
			})
			if Code(err) != tt.code {
				t.Errorf("got %q (%v), want %q", Code(err), err, tt.code)
			}
			if got := c.leftovers(t); len(got) != tt.parts {
				t.Errorf("left over: %q", got)
			}
			if entries, err := os.ReadDir(dir); len(entries) != 4 || err != nil {
				t.Errorf("installed: %v, %v", entries, err)
			}
		})
	}
}

// A full disk has its own name, and the download is kept for better times.
func TestInstallOnAFullDisk(t *testing.T) {
	x := noop(t, "1.0.0")
	x.ref.Size = 1 << 62
	c := catalog(t, t.TempDir())
	c.MaxPackage = 1 << 62
	_, err := c.Install(t.Context(), x.ref, x.fetch)
	if Code(err) != fault.NoSpace || !temporary(err) {
		t.Errorf("got %v", err)
	}
}

// breaking serves the package in pieces of n bytes and then fails; it records the offsets asked
// for.
func (x tcxFile) breaking(n int64, offsets *[]int64) Fetch {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) {
		*offsets = append(*offsets, offset)
		rest := bytes.NewReader(x.data[offset:])
		return io.NopCloser(io.MultiReader(io.LimitReader(rest, n), failing{rest})), nil
	}
}

type failing struct{ rest *bytes.Reader }

func (f failing) Read([]byte) (int, error) {
	if f.rest.Len() == 0 {
		return 0, io.EOF
	}
	return 0, errors.New("connection reset")
}

func TestDownloadResumes(t *testing.T) {
	x := noop(t, "1.0.0")
	n := int64(len(x.data)/3 + 1)
	var offsets []int64
	if _, err := catalog(t, t.TempDir()).Install(t.Context(), x.ref, x.breaking(n, &offsets)); err != nil {
		t.Fatal(err)
	}
	if len(offsets) != 3 || offsets[1] != n || offsets[2] != 2*n {
		t.Errorf("asked for %v with pieces of %d", offsets, n)
	}
}

func TestDownloadResumesAfterARestart(t *testing.T) {
	x := noop(t, "1.0.0")
	half := int64(len(x.data) / 2)
	for _, tt := range []struct {
		name    string
		part    []byte
		offsets []int64
	}{
		{"what is there is good", x.data[:half], []int64{half}},
		{"everything is there", x.data, nil},
		{"a power cut left zeros", make([]byte, half), []int64{half, 0}},
		{"it is too long", append(bytes.Clone(x.data), 1), []int64{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			c := catalog(t, dir)
			if err := os.WriteFile(filepath.Join(c.incoming, x.ref.SHA256+partSuffix), tt.part, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(c.incoming, tempPrefix+"1", "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			var offsets []int64
			c = catalog(t, dir)
			if got := c.leftovers(t); len(got) != 1 {
				t.Errorf("after the sweep there is %q", got)
			}
			if _, err := c.Install(t.Context(), x.ref, x.breaking(1<<40, &offsets)); err != nil {
				t.Fatal(err)
			}
			if len(offsets) != len(tt.offsets) || (len(offsets) > 0 && offsets[0] != tt.offsets[0]) {
				t.Errorf("asked for %v, want %v", offsets, tt.offsets)
			}
		})
	}
}

// Many orders of one new App make one download; who gives up does not end it for the others.
func TestConcurrentInstallsShareADownload(t *testing.T) {
	x := noop(t, "1.0.0")
	c := catalog(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int32
		gate := make(chan struct{})
		fetch := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
			fetches.Add(1)
			<-gate
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return x.fetch(ctx, offset)
		}
		first, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { _, err := c.Install(first, x.ref, fetch); gaveUp <- err }()
		results := make(chan error, 10)
		for range cap(results) {
			go func() { _, err := c.Install(t.Context(), x.ref, fetch); results <- err }()
		}
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(gate)
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if n := fetches.Load(); n != 1 {
			t.Errorf("got %d downloads", n)
		}
	})
}

// When nobody waits any more the download ends, and the next caller goes on with what there is.
func TestAbandonedDownload(t *testing.T) {
	x := noop(t, "1.0.0")
	c := catalog(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hanging := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
			r, w := io.Pipe()
			go func() {
				_, _ = w.Write(x.data[:50])
				<-ctx.Done()
			}()
			return r, nil
		}
		done := make(chan error, 1)
		go func() { _, err := c.Install(ctx, x.ref, hanging); done <- err }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		var offsets []int64
		if _, err := c.Install(t.Context(), x.ref, x.breaking(1<<40, &offsets)); err != nil {
			t.Error(err)
		}
		if len(offsets) != 1 || offsets[0] != 50 {
			t.Errorf("asked for %v", offsets)
		}
	})
}

func TestPrune(t *testing.T) {
	c := catalog(t, t.TempDir())
	var installed []App
	for i, version := range []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0"} {
		x := noop(t, version)
		app, err := c.Install(t.Context(), x.ref, x.fetch)
		if err != nil {
			t.Fatal(err)
		}
		day := time.Now().AddDate(0, 0, i-10)
		if err := os.Chtimes(app.Dir, day, day); err != nil {
			t.Fatal(err)
		}
		installed = append(installed, app)
	}
	inUse := func(a App) bool { return a.Dir == installed[0].Dir }
	if n, err := c.Prune(1, inUse); err != nil || n != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	for i, there := range []bool{true, false, true, true} {
		if _, err := os.Stat(installed[i].Dir); (err == nil) != there {
			t.Errorf("%s: %v", installed[i].Manifest.ProgramVersion, err)
		}
	}
}

func TestFolder(t *testing.T) {
	for name, want := range map[string]string{
		"TCPB - Vault": "TCPB_-_Vault_v1", "TCPB_-_Vault_v1": "TCPB_-_Vault_v1", "Old_v1.0": "Old_v1",
		"../../etc": "_.._etc_v1", "": "App_v1", "..": "App_v1", "a/b\\c:d": "a_b_c_d_v1",
		strings.Repeat("x", 300): strings.Repeat("x", 100) + "_v1",
	} {
		if got := folder(name, "1"); got != want {
			t.Errorf("%.50q: got %q, want %q", name, got, want)
		}
	}
}

// BenchmarkLookup is on the way of every order.
func BenchmarkLookup(b *testing.B) {
	x := noop(b, "1.0.0")
	c := catalog(b, b.TempDir())
	if _, err := c.Install(b.Context(), x.ref, x.fetch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, ok := c.Lookup(x.ref); !ok {
			b.Fatal("not found")
		}
	}
}
