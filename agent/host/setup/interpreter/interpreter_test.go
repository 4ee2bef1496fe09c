//go:build unix

package interpreter

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/need"
)

// pack makes an archive of headers; a regular file's content is its Linkname.
func pack(t testing.TB, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "python.tar.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func program(name, script string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: "#!/bin/sh\n" + script + "\n", Mode: 0o6700}
}

func TestInstall(t *testing.T) {
	python := need.Python(t)
	archive := pack(t,
		program("python-3.11/bin/python3.11", `exec `+python+` "$@"`),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "python-3.11/bin/python3", Linkname: "python3.11"},
		tar.Header{Typeflag: tar.TypeReg, Name: "python-3.11/lib/x.py", Linkname: "x = 1\n", Mode: 0o600},
	)
	dir := filepath.Join(t.TempDir(), "python")
	home, found, err := Python.Install(t.Context(), archive, dir)
	if err != nil || found != filepath.Join(home, "bin/python3.11") || !strings.HasPrefix(home, dir) {
		t.Fatalf("got %q, %q, %v", home, found, err)
	}
	for name, want := range map[string]os.FileMode{"bin/python3.11": 0o755, "lib/x.py": 0o644, "lib": os.ModeDir | 0o755} {
		if info, err := os.Stat(filepath.Join(home, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if again, _, err := Python.Install(t.Context(), archive, dir); err != nil || again != home {
		t.Errorf("the second time: %q, %v", again, err)
	}
}

func TestBadArchivesLeaveNothing(t *testing.T) {
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for name, c := range map[string]struct {
		headers []tar.Header
		want    string
	}{
		"upwards":           {[]tar.Header{program("../evil", "")}, "leads out"},
		"absolute":          {[]tar.Header{program("/evil", "")}, "leads out"},
		"link upwards":      {[]tar.Header{link("a/b", "../../evil")}, "leads out"},
		"absolute link":     {[]tar.Header{link("a", "/etc")}, "leads out"},
		"hard link":         {[]tar.Header{{Typeflag: tar.TypeLink, Name: "a", Linkname: "../x"}}, "leads out"},
		"a device":          {[]tar.Header{{Typeflag: tar.TypeChar, Name: "null"}}, "neither file"},
		"twice":             {[]tar.Header{program("a", ""), program("a", "")}, "exists"},
		"empty":             {nil, "there is no bin/python3.11"},
		"another version":   {[]tar.Header{program("bin/python3.11", "echo version 3.9")}, "is python 3.9, and Apps need 3.11"},
		"it does not run":   {[]tar.Header{program("bin/python3.11", "echo no libpython >&2; exit 127")}, "no libpython\nhint: an interpreter that was built for another folder runs only there; unpack it there and give --from that folder"},
		"it says something": {[]tar.Header{program("bin/python3.11", "echo hello")}, "does not print its version"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "python")
			_, _, err := Python.Install(t.Context(), pack(t, c.headers...), dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	notGzip := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(notGzip, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Python.Install(t.Context(), notGzip, t.TempDir()); err == nil || !strings.Contains(err.Error(), "as .tar.gz") {
		t.Errorf("what is no archive: %v", err)
	}
}

// What an archive claims costs nothing before it is believed.
func TestArchivesWithoutMeasure(t *testing.T) {
	for name, c := range map[string]struct {
		header tar.Header
		times  int
		want   string
	}{
		"a large file": {tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 5 << 30}, 1, "it unpacks to more than 4294967296 bytes"},
		"no end":       {tar.Header{Typeflag: tar.TypeDir, Name: "./"}, 200_002, "it has more than 200000 entries"},
	} {
		path := filepath.Join(t.TempDir(), "python.tar.gz")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
		w := tar.NewWriter(z)
		for range c.times {
			if err := w.WriteHeader(&c.header); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "python")
		if _, _, err := Python.Install(t.Context(), path, dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v; want %q", name, err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left: %v", name, left)
		}
	}
}

func TestWheelsThatAreNone(t *testing.T) {
	python, dir := need.Python(t), t.TempDir()
	if _, err := Wheels(t.Context(), python, dir); err == nil || !strings.Contains(err.Error(), "there is no *.whl") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.whl"), []byte("no wheel"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Wheels(t.Context(), python, dir)
	if err == nil || !strings.HasPrefix(err.Error(), "installing wheels of ") || !strings.Contains(err.Error(), ": pip failed (exit status 1): ") || strings.HasSuffix(err.Error(), ": ") {
		t.Errorf("got %v, want pip's last word", err)
	}
}

func TestVerifyJava(t *testing.T) {
	java, _ := need.Java(t)
	if err := Java.Verify(t.Context(), java); err != nil {
		t.Error(err)
	}
}

func TestShare(t *testing.T) {
	home := t.TempDir()
	if err := errors.Join(os.Mkdir(home+"/lib", 0o700), os.WriteFile(home+"/lib/x", nil, 0o600), os.WriteFile(home+"/run", nil, 0o700), os.Symlink("/etc/shadow", home+"/link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Share(home); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"lib": 0o755, "lib/x": 0o644, "run": 0o755} {
		if info, err := os.Stat(filepath.Join(home, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if changed, err := Share(home); changed != 0 || err != nil {
		t.Errorf("the second time: %d, %v", changed, err)
	}
}
