package releases

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// Two gateways over one store: what one was given both serve, and one signature is enough.
func TestGatewaysServeTheSame(t *testing.T) {
	s := newScene(t)
	here, there := s.Files, s.gateway()
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	a := s.agent()
	if got := a.reads(there); !slices.Equal(got, []string{"1.0.0"}) {
		t.Fatalf("the other gateway serves %v", got)
	}
	k, err := there.Releases(t.Context())
	if err != nil || len(k.Releases) != 1 {
		t.Fatalf("got %+v, %v", k, err)
	}
	program, err := there.target(t.Context(), k.Releases[0].File())
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if data, err := io.ReadAll(program); string(data) != "program 1.0.0" {
		t.Errorf("its program: %q, %v", data, err)
	}
	if err := here.Sign(t.Context(), 0); err != nil { // without keys there is nothing to do
		t.Fatal(err)
	}
	p, _, _ := here.load(t.Context())
	before := p.stamped()
	s.give(here)
	s.give(there)
	var both sync.WaitGroup
	for _, f := range []*Files{here, there} {
		both.Go(func() {
			if err := f.Sign(t.Context(), signEvery); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if err := there.Sign(t.Context(), signEvery); err != nil {
		t.Fatal(err)
	}
	if p, _, _ = there.load(t.Context()); p.stamped() != before+1 {
		t.Errorf("timestamp %d became %d, want one more", before, p.stamped())
	}
	for range 5 {
		if err := here.Sign(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		a.reads(there)
	}
	if p, _, _ = there.load(t.Context()); len(p.Roles) != 1+1+2+1 {
		t.Errorf("after many signatures there are %d files, want root, targets, two snapshots, timestamp", len(p.Roles))
	}
}

// A cloud that has signed the timestamp again is ahead of the maintainers' repository. What agents
// have seen of it must stay true when the next bundle comes.
func TestVersionsNeverGoBack(t *testing.T) {
	s := newScene(t)
	old := s.bundle("1.0.0")
	if err := s.add(old); err != nil {
		t.Fatal(err)
	}
	there := s.gateway()
	s.give(there)
	for range 4 {
		if err := there.Sign(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	a := s.agent()
	a.reads(s.Files)
	next := s.bundle("1.1.0")
	if err := s.add(next); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "online keys are not at this gateway") {
		t.Errorf("without the online keys: got %v", err)
	}
	if got := a.reads(there); !slices.Equal(got, []string{"1.0.0"}) {
		t.Errorf("after the refusal: %v", got)
	}
	if _, err := there.Import(t.Context(), bytes.NewReader(next), int64(len(next))); err != nil {
		t.Fatal(err)
	}
	if got := a.reads(s.Files); !slices.Equal(got, []string{"1.0.0", "1.1.0"}) && !slices.Equal(got, []string{"1.1.0", "1.0.0"}) {
		t.Errorf("after the import: %v", got)
	}
	_, err := there.Import(t.Context(), bytes.NewReader(old), int64(len(old)))
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "older than what is here") {
		t.Errorf("an older bundle: got %v", err)
	}
	a.reads(s.Files)
}

// Two bundles at the same time: both are in the end what one after the other would have been.
func TestImportsAtOnce(t *testing.T) {
	s := newScene(t)
	older, newer := s.bundle("1.0.0"), s.bundle("1.1.0")
	there := s.gateway()
	var both sync.WaitGroup
	both.Go(func() {
		_, err := s.Import(t, s.Files, older)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	})
	both.Go(func() {
		if _, err := s.Import(t, there, newer); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	k, err := s.Files.Releases(t.Context())
	if err != nil || len(k.Releases) != 2 {
		t.Errorf("got %+v, %v", k, err)
	}
}

// Import adds a bundle at a gateway.
func (s *scene) Import(t *testing.T, f *Files, bundle []byte) (Known, error) {
	return f.Import(t.Context(), bytes.NewReader(bundle), int64(len(bundle)))
}

// What was stored and never published is not served, and removed a day later; what is published stays.
func TestSweepKeepsWhatIsPublished(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	// As a gateway does that ends before it publishes.
	sum, err := s.Files.put(t.Context(), strings.NewReader("orphan"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	name := release.Product + "/linux/amd64/9.0.0/" + string(sum) + "." + release.Product
	if _, err := s.Files.target(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not published: got %v", err)
	}
	if err := s.Files.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, _ := s.Files.blobs.List(t.Context()); len(list) != 3 {
		t.Errorf("at once: %d objects, want program, repository and the orphan", len(list))
	}
	if err := s.Files.sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	list, err := s.Files.blobs.List(t.Context())
	if _, there := list[sum]; err != nil || there || len(list) != 2 {
		t.Errorf("a day later: %v, %v", list, err)
	}
	s.agent().reads(s.gateway())
}

// A program that the store has damaged is not served, and neither is one that was changed in a
// gateway's cache.
func TestDamagedPrograms(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	k, err := s.Files.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := k.Releases[0].File()
	objects, err := s.st.Objects(t.Context(), FilesBucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := objects.PutBytes(t.Context(), string(digest(name)), []byte("another program")); err != nil {
		t.Fatal(err)
	}
	if f, err := s.gateway().target(t.Context(), name); err == nil {
		f.Close()
		t.Error("a damaged program is served")
	}
}

// A bundle whose program is not what its name says, or that brings more than its releases, is
// refused, and nothing changes.
func TestBundlesThatLie(t *testing.T) {
	s := newScene(t)
	good := s.bundle("1.0.0")
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"another program": {func(files map[string]string) {
			for n := range files {
				if strings.HasPrefix(n, "targets/") {
					files[n] = "evil"
				}
			}
		}, "the SHA-256 of its content is "},
		"one file more": {func(files map[string]string) { files["targets/x/"+strings.Repeat("a", 64)+".y"] = "y" },
			"belongs to no release of the bundle"},
		"a file outside":       {func(files map[string]string) { files["targets/../../etc/passwd"] = "y" }, "does not belong into a bundle"},
		"a folder of metadata": {func(files map[string]string) { files["metadata/x/1.root.json"] = "{}" }, "does not belong into a bundle"},
		"no timestamp":         {func(files map[string]string) { delete(files, "metadata/timestamp.json") }, "verifying the bundle: "},
		"a large root": {func(files map[string]string) { files["metadata/2.root.json"] = strings.Repeat(" ", 2<<20) },
			"2.root.json has 2097152 bytes, 512000 are allowed"},
		"much metadata": {func(files map[string]string) { files["metadata/7.targets.json"] = strings.Repeat(" ", maxMetadata) },
			"the metadata of the bundle is larger"},
	} {
		bundle := rezip(t, good, c.change)
		if err := s.add(bundle); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ErrInvalid with %q", name, err, c.want)
		}
	}
	// Bytes that were lost or changed on the way, below the checksums of the ZIP.
	for _, folder := range []string{"metadata/", "targets/"} {
		for _, c := range []struct {
			change func(*zip.FileHeader)
			want   string
		}{
			{func(h *zip.FileHeader) { h.Method = 99 }, "unsupported compression algorithm"},
			{func(h *zip.FileHeader) { h.CRC32++ }, "checksum error"},
		} {
			bundle := reheader(t, good, folder, c.change)
			if err := s.add(bundle); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "reading \""+folder) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want ErrInvalid with %q", folder, err, c.want)
			}
		}
	}
	if _, revision, err := s.Files.load(t.Context()); revision != 0 || err != nil {
		t.Errorf("something was published: %d, %v", revision, err)
	}
}

// A release without its program is not offered.
func TestAReleaseWithoutItsProgram(t *testing.T) {
	s := newScene(t)
	s.bundle("1.0.0")
	bundle := rezip(t, s.bundle("1.1.0"), func(files map[string]string) {
		for n := range files {
			if strings.Contains(n, "/1.0.0/") {
				delete(files, n)
			}
		}
	})
	if err := s.add(bundle); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[*Rollout]string{
		{Version: "1.0.0", Percent: 100}: `there is no release "1.0.0" here; add it first`,
		{Version: "latest", Percent: 10}: `version "latest" is no semantic version`,
		{Version: "1.1.0", Percent: 101}: "101 percent is outside 0–100",
		{Version: "1.1.0", Percent: -.5}: "-0.5 percent is outside 0–100",
	} {
		if _, err := s.Roll(t.Context(), DefaultChannel, *r); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := s.Halt(t.Context(), DefaultChannel, "no more"); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `channel "stable" has no rollout`) {
		t.Errorf("halting what has not begun: got %v", err)
	}
	if _, err := s.Roll(t.Context(), DefaultChannel, Rollout{Version: "1.1.0", Percent: 100}); err != nil {
		t.Error(err)
	}
}

// The plan changes by revision, in the words of one store and of a cluster.
func TestPublishingOverWhatWasNotRead(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	p, revision, err := s.Files.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Files.publish(t.Context(), p, time.Time{}, revision); err != nil {
		t.Fatal(err)
	}
	if err := s.Files.publish(t.Context(), p, time.Time{}, revision); !bucket.Overtaken(err) {
		t.Errorf("got %v, want that another one was faster", err)
	}
	if _, err := os.Stat(s.Files.keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of keys was made: %v", err)
	}
}

// reheader changes the headers of a bundle's files below a folder, and leaves their bytes.
func reheader(t *testing.T, bundle []byte, folder string, change func(*zip.FileHeader)) []byte {
	t.Helper()
	old, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range old.File {
		h := e.FileHeader
		if strings.HasPrefix(e.Name, folder) {
			change(&h)
		}
		r, err := e.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.CreateRaw(&h)
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The keys were lost and replaced: who still has the old ones cannot publish with them, not even with a
// root of a higher number that hides the new one from who reads the bundle alone.
func TestABundleOfKeysThatWereReplaced(t *testing.T) {
	s := newScene(t)
	if err := s.add(s.bundle("1.0.0")); err != nil {
		t.Fatal(err)
	}
	// The maintainers go on from 1.0.0 with another timestamp key.
	fresh, err := repository.NewKey(filepath.Join(t.TempDir(), "timestamp.pem"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.repo.KeysOf("timestamp")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.repo.Rotate("timestamp", old[0], fresh); err != nil {
		t.Fatal(err)
	}
	thief := s.keys
	s.keys = append(slices.Clone(s.keys), fresh)
	next := s.bundle("1.1.0")
	if err := s.add(next); err != nil {
		t.Fatal(err)
	}
	b, err := readBundle(bytes.NewReader(next), int64(len(next)))
	if err != nil {
		t.Fatal(err)
	}
	delete(b.metadata, "2.root.json")
	p, err := (&published{Roles: b.metadata}).signed(thief)
	if err != nil {
		t.Fatal(err)
	}
	stolen := rezip(t, next, func(files map[string]string) {
		for name := range files {
			if strings.HasPrefix(name, "metadata/") {
				delete(files, name)
			}
		}
		for name, data := range p.Roles {
			files["metadata/"+name] = string(data)
		}
		files["metadata/3.root.json"] = "{}"
	})
	if err := s.add(stolen); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "verifying the bundle over what is here: ") {
		t.Errorf("got %v", err)
	}
}
