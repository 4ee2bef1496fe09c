package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listOf is a ZIP of so many entries and nothing else.
func listOf(n int) []byte {
	entry := make([]byte, 47)
	copy(entry, "PK\x01\x02")
	entry[28], entry[46] = 1, 'a' // a name of one letter
	end := []byte("PK\x05\x06\x00\x00\x00\x00")
	for _, count := range []int{n, n} {
		end = binary.LittleEndian.AppendUint16(end, uint16(count))
	}
	end = binary.LittleEndian.AppendUint32(end, uint32(n*len(entry)))
	end = binary.LittleEndian.AppendUint32(end, 4)
	return slices.Concat([]byte("PK\x03\x04"), bytes.Repeat(entry, n), end, []byte{0, 0})
}

// TestLongList: the list of files is not read beyond its bound, whatever a bundle claims.
func TestLongList(t *testing.T) {
	data := listOf(2_000_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(bytes.NewReader(data), int64(len(data)))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrNotABundle) || used > 64<<20 {
		t.Errorf("%d bytes were allocated; %v", used, err)
	}
}

func TestParse(t *testing.T) {
	const env = "# comment\napiURL=https://c.example:8443\n\nbrokerToken = a=b+c/ \n"
	want := map[string]string{"apiURL": "https://c.example:8443", "brokerToken": "a=b+c/"}
	for _, tc := range []struct {
		name     string
		data     []byte
		keystore string
	}{
		{"env only", []byte(env), ""},
		{"edited on Windows", []byte("\xef\xbb\xbf" + strings.ReplaceAll(env, "\n", "\r\n")), ""},
		{"all in one", zipOf(t, map[string]string{
			"threatconnect-envsvr/.tcenvsvr/environment.env": env,
			"threatconnect-envsvr/.tcenvsvr/keystore.p12":    "KEY",
			"threatconnect-envsvr/README.txt":                "read me",
		}), "KEY"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := Parse(bytes.NewReader(tc.data), int64(len(tc.data)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.Settings); diff != "" || string(b.Keystore) != tc.keystore {
				t.Errorf("keystore %q, settings (-want +got):\n%s", b.Keystore, diff)
			}
		})
	}
}

// TestOpenFolder: a bundle that was unpacked is taken where its files lie, and from nowhere else.
func TestOpenFolder(t *testing.T) {
	for name, tc := range map[string]struct {
		files []string
		want  string // "" = it is taken
	}{
		"as it was unpacked": {[]string{"threatconnect-envsvr/.tcenvsvr/environment.env", "threatconnect-envsvr/.tcenvsvr/keystore.p12", "threatconnect-envsvr/x.rpm"}, ""},
		"the folder itself":  {[]string{"environment.env", "keystore.p12"}, ""},
		"settings and key":   {[]string{".env", ".tcenvsvr/keystore.p12"}, ""},
		"nothing":            {[]string{"keystore.p12"}, "it has no environment.env"},
		"too deep":           {[]string{"a/b/environment.env", "keystore.p12"}, "it has no environment.env"},
		"two":                {[]string{"environment.env", ".tcenvsvr/environment.env"}, "it has both"},
		"a folder in place":  {[]string{"environment.env/x"}, "is no file"},
	} {
		dir := t.TempDir()
		for _, f := range tc.files {
			path := filepath.Join(dir, f)
			text := "apiURL=https://c.example\n"
			if filepath.Ext(f) == ".p12" {
				text = "KEY"
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := OpenFolder(dir, os.Open)
		switch {
		case tc.want == "" && (err != nil || string(b.Keystore) != "KEY" || b.Settings["apiURL"] != "https://c.example"):
			t.Errorf("%s: got %+v, %v", name, b, err)
		case tc.want != "" && (!errors.Is(err, ErrNotABundle) || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestHostile(t *testing.T) {
	whole := zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n"})
	const (
		noLine    = "line 1 is not KEY=value of at most 65536 bytes"
		elsewhere = "it has a file that leads elsewhere"
		alone     = "it is the package of the Environment Server alone"
	)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "it names no setting"},
		"comments only": {[]byte("\n# apiURL=x\n"), "it names no setting"},
		"binary":        {[]byte{0x7f, 'E', 'L', 'F', 0, 0}, noLine},
		"not key value": {[]byte("hello\n"), noLine},
		"key":           {[]byte("# our cloud\n\napi URL=x\n"), "line 3 is not KEY=value"},
		"long line":     {[]byte("apiURL=" + strings.Repeat("x", 64<<10)), noLine},
		"UTF-16":        {[]byte("\xff\xfea\x00=\x00b\x00"), "the settings are in UTF-16\nhint: save the file as UTF-8, or take it as it was downloaded"},
		"endless":       {[]byte("apiURL=" + strings.Repeat("x", 1<<20)), "as a .env file it is larger than 1048576 bytes"},
		"truncated zip": {whole[:len(whole)/2], "its ZIP is damaged or cut off"},
		"no env":        {zipOf(t, map[string]string{"a/keystore.p12": "x"}), "it has no environment.env"},
		"zip slip":      {zipOf(t, map[string]string{"../../../environment.env": "apiURL=x\n"}), elsewhere},
		"absolute":      {zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", "/etc/passwd": ""}), elsewhere},
		"backslash":     {zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", `..\x`: ""}), elsewhere},
		"two keystores": {zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", "a/keystore.p12": "", "b/keystore.p12": ""}), `it has two files of the kind ".p12"`},
		"rpm alone":     {[]byte("\xed\xab\xee\xdb\x03\x00"), alone},
		"deb alone":     {[]byte("!<arch>\ndebian-binary"), alone},
		"tar.gz alone":  {[]byte{0x1f, 0x8b, 8, 0}, alone},
		"zip alone":     {zipOf(t, map[string]string{"threatconnect-envsvr/tcenvsvr.exe": "MZ"}), alone},
		"long list":     {listOf(60_000), "directory"},
		"many files":    {listOf(1001), "it has 1001 files"},
		"bomb":          {zipOf(t, map[string]string{"a/environment.env": "#" + strings.Repeat(" ", 20<<20)}), `"a/environment.env" is larger than 1048576 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := Parse(bytes.NewReader(tt.data), int64(len(tt.data))); !errors.Is(err, ErrNotABundle) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse = %v, %v; want ErrNotABundle: %s", b, err, tt.want)
			}
		})
	}
}

// TestTooLarge: a file larger than any bundle is refused by its size, unread.
func TestTooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bundle.zip")
	if err := errors.Join(os.WriteFile(file, []byte("PK"), 0o600), os.Truncate(file, MaxSize+1)); err != nil { // a file of holes
		t.Fatal(err)
	}
	if b, err := Open(file); !errors.Is(err, ErrNotABundle) || !strings.Contains(err.Error(), "it is larger than 536870912 bytes") {
		t.Errorf("got %v, %v", b, err)
	}
}

// TestPackageIsLeftAlone reads an all-in-one whose package is larger than what may be held in
// memory, from a file, from a pipe and from a stream.
func TestPackageIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bundle.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	const name = "threatconnect-envsvr-1.2.3-1.x86_64.rpm"
	w, err := z.CreateHeader(&zip.FileHeader{Name: "threatconnect-envsvr/" + name, Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	const large = 64 << 20
	block := bytes.Repeat([]byte("package "), 1<<17)
	for range large / len(block) {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if w, err = z.Create("threatconnect-envsvr/.tcenvsvr/environment.env"); err == nil {
		_, err = w.Write([]byte("apiURL=https://c.example\n"))
	}
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	for way, read := range map[string]func() (*Bundle, error){
		"file": func() (*Bundle, error) { return Open(file) },
		"stream": func() (*Bundle, error) {
			f, err := os.Open(file)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return Read(struct{ io.Reader }{f})
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b, err := read()
		runtime.ReadMemStats(&after)
		if err != nil || b.Package != name || b.Settings["apiURL"] != "https://c.example" {
			t.Errorf("%s: got %+v, %v", way, b, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > large/2 {
			t.Errorf("%s: %d bytes were allocated for a package of %d", way, used, large)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%s: it left %v (%v)", way, left, err)
		}
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(file, []byte("PKnothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + ".missing"} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("Open(%q) = %v; want the file's name", name, err)
		}
	}
}

func TestKeystoreErrors(t *testing.T) {
	if _, _, err := Identity([]byte("garbage"), "x"); err == nil || !strings.Contains(err.Error(), "opening keystore") {
		t.Errorf("Identity of garbage = %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("apiURL=x\n"))
	f.Add(zipOf(f, map[string]string{"a/.env": "apiURL=x\n", "a/keystore.p12": "k"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(bytes.NewReader(data), int64(len(data)))
		if err == nil && len(b.Settings) == 0 {
			t.Fatal("no error and no settings")
		}
		if err != nil && !errors.Is(err, ErrNotABundle) {
			t.Fatalf("an error without a name: %v", err)
		}
	})
}
