package dnf_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/packaging"
	"tcenvsvr/packaging/dnf"
	"tcenvsvr/packaging/pgp"
	"tcenvsvr/test/need"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

var newKey = sync.OnceValues(func() (*pgp.Key, error) { return pgp.New("Packages", "packages@example.com", now) })

// repository makes one of two versions of a small package.
func repository(t *testing.T) (dir string, keys pgp.Keys) {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	stage := t.TempDir()
	if err := packaging.Stage(stage); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tcenvsvr", "tcenvsvr-shim", "man/tcenvsvr.1.gz", "completions/bash", "completions/zsh", "completions/fish", "README.md", "docs/updater.md", "LICENSE"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(stage, name)), 0o755), os.WriteFile(filepath.Join(stage, name), []byte(name), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	dir = t.TempDir()
	for _, version := range []string{"1.0.0", "1.1.0-rc.1"} {
		b := &packaging.Build{Version: version, Arch: "arm64", Time: now, Stage: stage, Signer: key}
		var out bytes.Buffer
		if err := b.RPM(&out); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, b.RPMName()), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := (dnf.Repository{ID: "ours", Title: "Ours", URL: "https://packages.example.com/ours/"}).Write(dir, key); err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	keys, err = pgp.ReadPublic(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	return dir, keys
}

func TestRepositoryIsWhatCreaterepoMakes(t *testing.T) {
	createrepo := need.Tool(t, "createrepo_c")
	dir, _ := repository(t)
	theirs := t.TempDir()
	if err := os.CopyFS(theirs, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(theirs, "repodata")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(createrepo, "--quiet", "--checksum=sha256", "--no-database", "--general-compress-type=gz", theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, kind := range []string{"primary", "filelists", "other"} {
		ours, reference := facts(t, dir, kind), facts(t, theirs, kind)
		if len(ours) < 20 && kind != "other" {
			t.Fatalf("%s: only %d facts found", kind, len(ours))
		}
		if diff := cmp.Diff(reference, ours); diff != "" {
			t.Errorf("%s (-createrepo_c +ours):\n%s", kind, diff)
		}
	}
}

// facts flattens a document to sorted lines "path attributes text", so that the order of packages
// and attributes and white space do not matter.
func facts(t *testing.T, dir, kind string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "repodata", "*-"+kind+".xml.gz"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: got %v, %v", kind, found, err)
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all, path []string
	var text strings.Builder
	for d := xml.NewDecoder(z); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			sort.Strings(all)
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			path = append(path, x.Name.Space+" "+x.Name.Local)
			text.Reset()
			sort.Slice(x.Attr, func(i, j int) bool { return x.Attr[i].Name.Local < x.Attr[j].Name.Local })
			for _, a := range x.Attr {
				if x.Name.Local == "time" && a.Name.Local == "file" {
					continue // when the file was copied
				}
				all = append(all, fmt.Sprintf("%s @%s=%s", strings.Join(path, "/"), a.Name.Local, a.Value))
			}
		case xml.CharData:
			text.Write(x)
		case xml.EndElement:
			if s := strings.TrimSpace(text.String()); s != "" {
				all = append(all, strings.Join(path, "/")+" = "+s)
			}
			text.Reset()
			path = path[:len(path)-1]
		}
	}
}

func TestVerify(t *testing.T) {
	dir, keys := repository(t)
	names, err := dnf.Verify(dir, keys)
	if err != nil || len(names) != 2 {
		t.Fatalf("got %v, %v; want two packages", names, err)
	}
	flip := func(pattern string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("nothing matches %s (%v)", pattern, err)
			}
			content, err := os.ReadFile(found[0])
			if err != nil {
				t.Fatal(err)
			}
			content[len(content)/2] ^= 1
			if err := os.WriteFile(found[0], content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, dir string){
		"index":     flip("repodata/repomd.xml"),
		"signature": flip("repodata/repomd.xml.asc"),
		"primary":   flip("repodata/*-primary.xml.gz"),
		"filelists": flip("repodata/*-filelists.xml.gz"),
		"package":   flip("*.rpm"),
		"unsigned":  func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "repodata/repomd.xml.asc")) },
		"unlisted":  func(_ *testing.T, dir string) { _ = os.WriteFile(filepath.Join(dir, "new.rpm"), nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			bad := t.TempDir()
			if err := os.CopyFS(bad, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			damage(t, bad)
			if _, err := dnf.Verify(bad, keys); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestWritingAgainChangesNothing(t *testing.T) {
	dir, keys := repository(t)
	before, err := os.ReadFile(filepath.Join(dir, "repodata/repomd.xml.asc"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := (dnf.Repository{ID: "ours", Title: "Ours", URL: "https://packages.example.com/ours"}).Write(dir, key); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "repodata/repomd.xml.asc"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the signature changed (%v)", err)
	}
	// A package that goes takes its metadata along.
	if err := os.Remove(filepath.Join(dir, "threatconnect-envsvr-1.0.0-1.aarch64.rpm")); err != nil {
		t.Fatal(err)
	}
	if err := (dnf.Repository{ID: "ours", Title: "Ours", URL: "https://packages.example.com/ours"}).Write(dir, key); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "repodata/*")); len(found) != 5 {
		t.Errorf("got %v, want repomd.xml, its signature and three others", found)
	}
	if names, err := dnf.Verify(dir, keys); err != nil || len(names) != 1 {
		t.Errorf("got %v, %v", names, err)
	}
}

func TestRepoFileInsistsOnSignatures(t *testing.T) {
	dir, _ := repository(t)
	got, err := os.ReadFile(filepath.Join(dir, "ours.repo"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ngpgcheck=1\n", "\nrepo_gpgcheck=1\n", "\nbaseurl=https://packages.example.com/ours\n", "\ngpgkey=https://packages.example.com/ours/RPM-GPG-KEY-ours\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
