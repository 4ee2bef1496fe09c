package tcx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/app/fault"
)

const manifest = `{"programLanguage":"python","programMain":"run.py","programVersion":"1.0.0"}`

// item is one entry of a test package.
type item struct {
	name, content string
	mode          fs.FileMode
	patch         func(*zip.FileHeader)
}

// build writes a package. Names and modes go in as they are.
func build(t testing.TB, items ...item) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: zip.Deflate}
		if it.mode == 0 {
			it.mode = 0o644
			if strings.HasSuffix(it.name, "/") {
				it.mode = fs.ModeDir | 0o755
			}
		}
		h.SetMode(it.mode)
		if it.patch != nil {
			it.patch(h)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(it.content)); err != nil && it.content != "" {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.tcx")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var good = item{name: "X_v1/install.json", content: manifest}

func TestUnpack(t *testing.T) {
	file := build(t,
		item{name: "X_v1/"}, good,
		item{name: "X_v1/run.py", content: "print()", mode: 0o4755},
		item{name: "X_v1/deps/ünï/data.txt", content: "d", mode: 0o600},
		item{name: "X_v1/deps/"}, // after what lies in it
		item{name: "X_v1/empty/"})
	dir := t.TempDir()
	defer umask(0o077)()
	m, err := Unpack(t.Context(), file, dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Main != "run.py" {
		t.Errorf("got manifest %+v", m)
	}
	for name, want := range map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "install.json": 0o644, "run.py": 0o755, "deps": fs.ModeDir | 0o755,
		"deps/ünï": fs.ModeDir | 0o755, "deps/ünï/data.txt": 0o644, "empty": fs.ModeDir | 0o755,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || (info.Mode() != want && umaskKnown) {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if m, top, err := ReadManifest(file, Limits{}); err != nil || top != "X_v1" || m.ProgramVersion != "1.0.0" {
		t.Errorf("got %q, %+v, %v", top, m, err)
	}
}

func TestUnpackRefusesHostilePackages(t *testing.T) {
	zeros := strings.Repeat("\x00", bombSize+1)
	deep := "X_v1/" + strings.Repeat("d/", maxDepth+1) + "f"
	for _, tt := range []struct {
		name, code, says string
		items            []item
	}{
		{"absolute path", fault.UnsafePath, "not a clean relative path", []item{good, {name: "/etc/x", content: "x"}}},
		{"dot dot", fault.UnsafePath, "not a clean relative path", []item{good, {name: "X_v1/../../x", content: "x"}}},
		{"dot dot as top", fault.UnsafePath, "not a clean relative path", []item{good, {name: "../x", content: "x"}}},
		{"dot", fault.UnsafePath, "not a clean relative path", []item{good, {name: "X_v1/./x", content: "x"}}},
		{"empty part", fault.UnsafePath, "not a clean relative path", []item{good, {name: "X_v1//x", content: "x"}}},
		{"backslash", fault.UnsafePath, `"\" or ":" in it`, []item{good, {name: `X_v1\..\x`, content: "x"}}},
		{"drive", fault.UnsafePath, `"\" or ":" in it`, []item{good, {name: "C:/x", content: "x"}}},
		{"stream", fault.UnsafePath, `"\" or ":" in it`, []item{good, {name: "X_v1/a:b", content: "x"}}},
		{"zero byte", fault.UnsafePath, "a control character in it", []item{good, {name: "X_v1/a\x00b", content: "x"}}},
		{"newline", fault.UnsafePath, "a control character in it", []item{good, {name: "X_v1/a\nb", content: "x"}}},
		{"not UTF-8", fault.UnsafePath, "not a clean relative path", []item{good, {name: "X_v1/\xff", content: "x"}}},
		{"empty name", fault.UnsafePath, "not a clean relative path", []item{good, {name: "", content: ""}}},
		{"too deep", fault.UnsafePath, "more than 64 folders deep", []item{good, {name: deep, content: "x"}}},
		{"long path", fault.UnsafePath, "longer than 1024 bytes", []item{good, {name: "X_v1/" + strings.Repeat("n/", 512), content: ""}}},
		{"long name", fault.UnsafePath, "a name longer than 255 bytes", []item{good, {name: "X_v1/" + strings.Repeat("n", 256), content: "x"}}},
		{"symbolic link", fault.Link, "", []item{good, {name: "X_v1/l", content: "/etc/passwd", mode: fs.ModeSymlink | 0o777}}},
		{"link as folder", fault.Link, "", []item{good, {name: "X_v1/l/", mode: fs.ModeSymlink | 0o777}}},
		{"device", fault.Link, "", []item{good, {name: "X_v1/d", mode: fs.ModeDevice | 0o666}}},
		{"pipe", fault.Link, "", []item{good, {name: "X_v1/p", mode: fs.ModeNamedPipe | 0o666}}},
		{"folder without slash", fault.Link, "", []item{good, {name: "X_v1/d", mode: fs.ModeDir | 0o755}}},
		{"two top folders", fault.TopFolders, "", []item{good, {name: "Y_v1/install.json", content: manifest}}},
		{"file beside it", fault.TopFolders, "", []item{good, {name: "README", content: "x"}}},
		{"empty", fault.TopFolders, "", nil},
		{"no install.json", fault.NoInstallJSON, "", []item{{name: "X_v1/run.py", content: "x"}}},
		{"install.json deeper", fault.NoInstallJSON, "", []item{{name: "X_v1/a/install.json", content: manifest}}},
		{"install.json a folder", fault.NoInstallJSON, "", []item{{name: "X_v1/install.json/"}}},
		{"bad install.json", fault.BadManifest, "", []item{{name: "X_v1/install.json", content: "{"}}},
		{"huge install.json", fault.BadManifest, "", []item{{name: "X_v1/install.json", content: strings.Repeat(" ", MaxManifest+1)}}},
		{"twice", fault.Duplicate, "", []item{good, good}},
		{"file as folder", fault.Duplicate, "", []item{good, {name: "X_v1/install.json/x", content: "x"}}},
		{"folder as file", fault.Duplicate, "", []item{good, {name: "X_v1/a/x", content: "x"}, {name: "X_v1/a", content: "x"}}},
		{"bomb", fault.Bomb, "", []item{good, {name: "X_v1/zeros", content: zeros}}},
		{"too large", fault.TooLarge, "", []item{good, {name: "X_v1/a", content: strings.Repeat("a", 900)}, {name: "X_v1/b", content: strings.Repeat("b", 900)}}},
		{"too many", fault.TooLarge, "", []item{good, {name: "X_v1/1"}, {name: "X_v1/2"}, {name: "X_v1/3"}, {name: "X_v1/4"}}},
		{"encrypted", fault.BadZip, "", []item{good, {name: "X_v1/e", content: "x", patch: func(h *zip.FileHeader) { h.Flags |= 1 }}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := build(t, tt.items...)
			base := t.TempDir()
			dir := filepath.Join(base, "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			limits := Limits{Entries: 4}
			switch tt.code {
			case fault.TooLarge:
				limits.Bytes = 1500
			}
			_, err := Unpack(t.Context(), file, dir, limits)
			if fault.Code(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %q (%v), want %q, %q", fault.Code(err), err, tt.code, tt.says)
			}
			if got := contents(t, base); len(got) != 1 {
				t.Errorf("written: %q", got)
			}
		})
	}
}

// contents lists everything below dir.
func contents(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if p != dir {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A directory may lie about an entry's size.
func TestUnpackRefusesWrongSizes(t *testing.T) {
	for _, declared := range []uint64{1, 1000} {
		file := build(t, good)
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		f, err := w.Create("X_v1/install.json")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(manifest))
		raw, err := w.CreateRaw(&zip.FileHeader{Name: "X_v1/lie", Method: zip.Store, CompressedSize64: 10, UncompressedSize64: declared})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = raw.Write([]byte("0123456789"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Unpack(t.Context(), file, t.TempDir(), Limits{}); fault.Code(err) != fault.BadZip || !strings.Contains(err.Error(), `unpacking "X_v1/lie": damaged entry`) {
			t.Errorf("declared %d: got %v", declared, err)
		}
	}
}

func TestUnpackRefusesDamage(t *testing.T) {
	whole, err := os.ReadFile(build(t, good, item{name: "X_v1/run.py", content: strings.Repeat("code", 100), patch: func(h *zip.FileHeader) { h.Method = zip.Store }}))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Replace(whole, []byte("codecode"), []byte("codeCODE"), 1)
	for name, data := range map[string][]byte{
		"nothing": nil, "no zip": []byte("MZ no zip"), "cut": whole[:len(whole)-10], "checksum": flipped,
	} {
		file := filepath.Join(t.TempDir(), "a.tcx")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Unpack(t.Context(), file, t.TempDir(), Limits{}); fault.Code(err) != fault.BadZip {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestUnpackStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Unpack(ctx, build(t, good), t.TempDir(), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Whatever the bytes: nothing appears outside of the folder, and what is refused has a code.
func FuzzUnpack(f *testing.F) {
	seeds := [][]item{
		{good, {name: "X_v1/a/b", content: "x"}},
		{good, {name: "../x", content: "x"}},
		{good, {name: "X_v1/l", content: "../..", mode: fs.ModeSymlink | 0o777}, {name: "X_v1/l/x", content: "x"}},
	}
	for _, s := range seeds {
		data, err := os.ReadFile(build(f, s...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		base := t.TempDir()
		dir, file := filepath.Join(base, "1", "2"), filepath.Join(base, "a.tcx")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(file, data, 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := Unpack(t.Context(), file, dir, Limits{Bytes: 1 << 20, Entries: 100})
		if err != nil && fault.Code(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
		for _, name := range contents(t, base) {
			if rel, _ := filepath.Rel(base, name); rel != "1" && rel != "a.tcx" && !strings.HasPrefix(name, dir) {
				t.Errorf("written outside: %q", name)
			}
		}
	})
}
