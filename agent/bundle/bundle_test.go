package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
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

func TestParse(t *testing.T) {
	const env = "# comment\napiURL=https://c.example:8443\n\nbrokerToken = a=b+c/ \n"
	want := map[string]string{"apiURL": "https://c.example:8443", "brokerToken": "a=b+c/"}
	for _, tc := range []struct {
		name     string
		data     []byte
		keystore string
	}{
		{"env only", []byte(env), ""},
		{"all in one", zipOf(t, map[string]string{
			"threatconnect-envsvr/.tcenvsvr/environment.env": env,
			"threatconnect-envsvr/.tcenvsvr/keystore.p12":    "KEY",
			"threatconnect-envsvr/README.txt":                "read me",
		}), "KEY"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := Parse(tc.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.Settings); diff != "" || string(b.Keystore) != tc.keystore {
				t.Errorf("keystore %q, settings (-want +got):\n%s", b.Keystore, diff)
			}
		})
	}
}

func TestHostile(t *testing.T) {
	whole := zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n"})
	for name, data := range map[string][]byte{
		"empty":         {},
		"binary":        {0x7f, 'E', 'L', 'F', 0, 0},
		"not key value": []byte("hello\n"),
		"key":           []byte("api URL=x\n"),
		"endless line":  []byte("apiURL=" + strings.Repeat("x", 1<<20)),
		"truncated zip": whole[:len(whole)/2],
		"no env":        zipOf(t, map[string]string{"a/keystore.p12": "x"}),
		"zip slip":      zipOf(t, map[string]string{"../../../environment.env": "apiURL=x\n"}),
		"absolute":      zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", "/etc/passwd": ""}),
		"backslash":     zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", `..\x`: ""}),
		"two keystores": zipOf(t, map[string]string{"a/environment.env": "apiURL=x\n", "a/keystore.p12": "", "b/keystore.p12": ""}),
		"bomb":          zipOf(t, map[string]string{"a/environment.env": "#" + strings.Repeat(" ", 20<<20)}),
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := Parse(data); !errors.Is(err, ErrNotABundle) {
				t.Fatalf("Parse = %v, %v; want ErrNotABundle", b, err)
			}
		})
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
		b, err := Parse(data)
		if err == nil && len(b.Settings) == 0 {
			t.Fatal("no error and no settings")
		}
		if err != nil && !errors.Is(err, ErrNotABundle) {
			t.Fatalf("an error without a name: %v", err)
		}
	})
}
