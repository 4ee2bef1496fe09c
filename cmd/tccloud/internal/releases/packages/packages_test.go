package packages_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/packaging"
	"tcenvsvr/packaging/pgp"
)

var at = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// Beginnings of programs for amd64: as much as tells what they are.
var (
	linuxProgram   = append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"), make([]byte, 100)...)
	windowsProgram = slices.Concat([]byte("MZ"), make([]byte, 0x3a), []byte{0x40, 0, 0, 0}, []byte("PE\x00\x00\x64\x86"), make([]byte, 100))
)

// release makes the packages of a version as tcrelease does, but for what the programs do.
func release(t *testing.T, version string, key packaging.Signer) map[string][]byte {
	t.Helper()
	stage := t.TempDir()
	if err := packaging.Stage(stage); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"tcenvsvr": linuxProgram, "tcenvsvr-shim": linuxProgram, "tcenvsvr.exe": windowsProgram, "tcenvsvr-shim.exe": windowsProgram,
		"man/tcenvsvr.1.gz": nil, "completions/bash": nil, "completions/zsh": nil, "completions/fish": nil, "README.md": nil, "docs/updater.md": nil, "LICENSE": nil,
	} {
		file := filepath.Join(stage, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, append(text, version...), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b := &packaging.Build{Version: version, Arch: "amd64", Time: at, Stage: stage, Signer: key}
	made := map[string][]byte{}
	for name, write := range map[string]func(io.Writer) error{
		b.RPMName(): b.RPM, b.DebName(): b.Deb,
		"threatconnect-envsvr_" + version + "_linux_amd64.tar.gz": b.Tar, "threatconnect-envsvr_" + version + "_windows_amd64.zip": b.Zip,
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		made[name] = out.Bytes()
	}
	return made
}

// signer is a key; making one takes seconds.
var signer = sync.OnceValues(func() (*pgp.Key, error) { return pgp.New("Packages", "packages@example.com", at) })

func open(t *testing.T) *packages.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	kv, err := st.KV(t.Context(), "releases", store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := st.Objects(t.Context(), packages.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.TempDir(), objects)
	if err != nil {
		t.Fatal(err)
	}
	return &packages.Store{KV: kv, Blobs: blobs}
}

// TestWhatIsAddedComesOut adds two versions in all four kinds.
func TestWhatIsAddedComesOut(t *testing.T) {
	key, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	older, newer := release(t, "1.4.2-rc.1", key), release(t, "1.4.2", nil)
	for _, made := range []map[string][]byte{newer, older, older} { // a second time changes nothing
		for name, content := range made {
			p, err := s.Add(t.Context(), name, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			own := p.System == "rpm" || p.System == "deb"
			want := strings.Contains(p.Version, "-rc.1") && own
			if p.Arch != "amd64" || !strings.HasSuffix(name, p.System) || p.Signed != want || p.Size != int64(len(content)) {
				t.Errorf("%s was taken as %+v; signed should be %v", name, p, want)
			}
		}
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 8 || list[0].Version != "1.4.2" || list[7].Version != "1.4.2-rc.1" {
		t.Fatalf("got %+v, %v; want eight, the newest first", list, err)
	}
	for _, system := range packages.Systems {
		for _, version := range []string{"", "1.4.2-rc.1"} {
			p, err := s.Find(t.Context(), packages.Wanted{System: system, Version: version})
			if err != nil {
				t.Fatal(err)
			}
			made := newer
			if version != "" {
				made = older
			}
			f, err := s.Open(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			if err := errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, made[p.Name]) {
				t.Errorf("%s came out with other bytes (%v)", p.Name, err)
			}
		}
	}
	for _, p := range list {
		if err := s.Remove(t.Context(), p.Name); err != nil {
			t.Error(err)
		}
	}
	if err := s.Remove(t.Context(), list[0].Name); !errors.Is(err, packages.ErrNotFound) {
		t.Errorf("removing again: got %v", err)
	}
	if p, err := s.Find(t.Context(), packages.Wanted{}); !errors.Is(err, packages.ErrNotFound) {
		t.Errorf("after all were removed there is %+v, %v", p, err)
	}
	// What was removed can come again.
	if _, err := s.Add(t.Context(), list[0].Name, bytes.NewReader(slices.Concat(newer[list[0].Name], older[list[0].Name]))); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoPackageIsRefused(t *testing.T) {
	s := open(t)
	made := release(t, "1.4.2", nil)
	const rpm, deb = "threatconnect-envsvr-1.4.2-1.x86_64.rpm", "threatconnect-envsvr_1.4.2-1_amd64.deb"
	const tgz, zip = "threatconnect-envsvr_1.4.2_linux_amd64.tar.gz", "threatconnect-envsvr_1.4.2_windows_amd64.zip"
	const good = "Package: threatconnect-envsvr\nVersion: 1.4.2-1\nArchitecture: amd64\n"
	for what, c := range map[string]struct {
		name    string
		content []byte
		want    string
	}{
		"another name":         {"other-1.4.2-1.x86_64.rpm", made[rpm], `file "other-1.4.2-1.x86_64.rpm" is not named like one, e.g. threatconnect-envsvr-1.4.2-1.x86_64.rpm`},
		"a path":               {"threatconnect-envsvr-/../1.rpm", made[rpm], "is not named like one"},
		"an rpm as deb":        {deb, made[rpm], "as deb: it is no ar archive"},
		"a deb as rpm":         {rpm, made[deb], "as rpm: "},
		"nothing":              {rpm, nil, "as rpm: "},
		"a torn rpm":           {rpm, made[rpm][:2000], "as rpm: "},
		"a torn deb":           {deb, made[deb][:200], "as deb: "},
		"a deb of nothing":     {deb, []byte("!<arch>\n"), "as deb: it has no control.tar.gz"},
		"a deb, too long":      {deb, member("control.tar.gz", make([]byte, 9), 100), "as deb: it is no ar archive"},
		"a deb without":        {deb, member("debian-binary", []byte("2.0\n"), 4), "as deb: it has no control.tar.gz"},
		"another's deb":        {deb, control(t, strings.Replace(good, "threatconnect-envsvr", "openssh-server", 1)), `it is the package "openssh-server", want threatconnect-envsvr`},
		"a deb of no name":     {deb, control(t, ""), `it is the package "", want threatconnect-envsvr`},
		"a deb of no arch":     {deb, control(t, strings.Replace(good, "Architecture: amd64\n", "", 1)), `architecture "none": want amd64 or arm64`},
		"another arch":         {deb, control(t, strings.Replace(good, "amd64", "s390x", 1)), `architecture "s390x": want amd64 or arm64`},
		"another version":      {deb, control(t, strings.Replace(good, "1.4.2", "latest", 1)), `version "latest" is no semantic version`},
		"a torn tar.gz":        {tgz, made[tgz][:100], "as tar.gz: "},
		"a torn zip":           {zip, made[zip][:100], "as zip: "},
		"another's machine":    {strings.Replace(tgz, "amd64", "arm64", 1), made[tgz], `its name says arm64, and the program in it is for "amd64"`},
		"another's system":     {strings.Replace(zip, "windows", "linux", 1), made[zip], "its name must say what it is, as threatconnect-envsvr_1.4.2_windows_amd64.zip"},
		"no version":           {strings.Replace(tgz, "1.4.2", "latest", 1), made[tgz], `version "latest" is no semantic version`},
		"an archive, no agent": {tgz, bytes.Clone(made[deb]), "as tar.gz: "},
	} {
		if p, err := s.Add(t.Context(), c.name, bytes.NewReader(c.content)); !errors.Is(err, packages.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v; want ErrInvalid with %q", what, p, err, c.want)
		}
	}
	if _, err := s.Add(t.Context(), rpm, bytes.NewReader(made[rpm])); err != nil {
		t.Fatal(err)
	}
	other := release(t, "1.4.3", nil)["threatconnect-envsvr-1.4.3-1.x86_64.rpm"]
	if _, err := s.Add(t.Context(), rpm, bytes.NewReader(other)); !errors.Is(err, packages.ErrExists) {
		t.Errorf("other content under the same name: got %v", err)
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Errorf("left are %+v, %v; want the one that is good", list, err)
	}
}

// member is an ar archive of one file, which says that it has so many bytes.
func member(name string, content []byte, says int) []byte {
	return append(fmt.Appendf([]byte("!<arch>\n"), "%-16s%-12d%-6d%-6d%-8d%-10d`\n", name, 0, 0, 0, 100644, says), content...)
}

// control is a deb whose control file has a text.
func control(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	out := tar.NewWriter(packed)
	err := out.WriteHeader(&tar.Header{Name: "./control", Mode: 0o644, Size: int64(len(text))})
	if err == nil {
		_, err = out.Write([]byte(text))
	}
	if err := errors.Join(err, out.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return member("control.tar.gz", b.Bytes(), b.Len())
}

func FuzzInspect(f *testing.F) {
	for _, system := range packages.Systems {
		f.Add(system, []byte("!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"))
	}
	f.Fuzz(func(t *testing.T, system string, content []byte) {
		p, err := packages.Inspect("threatconnect-envsvr_1.0.0_linux_amd64."+system, bytes.NewReader(content), int64(len(content)))
		if err == nil && (p.Version == "" || p.Arch == "") {
			t.Fatalf("no error and no package: %+v", p)
		}
		if err != nil && !errors.Is(err, packages.ErrInvalid) {
			t.Fatalf("an error without a name: %v", err)
		}
	})
}

// A gateway's cache has nothing that was removed at another gateway, and all else still comes out.
func TestTheCacheIsTrimmed(t *testing.T) {
	s := open(t)
	for name, content := range release(t, "1.4.2", nil) {
		if _, err := s.Add(t.Context(), name, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := list[0]
	cached, err := s.Open(t.Context(), gone)
	if err != nil {
		t.Fatal(err)
	}
	defer cached.Close()
	if err := s.KV.Purge(t.Context(), "package."+hex.EncodeToString([]byte(gone.Name))); err != nil { // as another gateway does
		t.Fatal(err)
	}
	if err := s.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cached.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", gone.Name, err)
	}
	for _, p := range list[1:] {
		f, err := s.Open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(f.Name()); err != nil {
			t.Error(err)
		}
		f.Close()
	}
}
