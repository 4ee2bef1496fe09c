package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const text = "a program"

func file(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tcenvsvr")
	if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func sum(t *testing.T, data string) string {
	t.Helper()
	s, err := Sum(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	for name, c := range map[string]struct{ data, says string }{
		"cut":     {text[:3], "has 3 bytes, not 9"},
		"longer":  {text + "!", "has 10 bytes, not 9"},
		"changed": {"A program", "the SHA-256 of"},
	} {
		err := Verify(file(t, c.data), int64(len(text)), sum(t, text))
		if !errors.Is(err, ErrContent) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v: %s", name, err, ErrContent, c.says)
		}
	}
	if err := Verify(file(t, text), int64(len(text)), sum(t, text)); err != nil {
		t.Error(err)
	}
}

// What is refused leaves the old program where it is, and nothing beside it.
func TestWhatIsNotWritten(t *testing.T) {
	folder, err := os.Open(t.TempDir()) // opens, and cannot be read: so does a file on a bad disk
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for name, c := range map[string]struct {
		p       Program
		content bool // the error is ErrContent
		says    string
	}{
		"changed":   {Program{Content: strings.NewReader("A program")}, true, "its SHA-256 is " + sum(t, "A program") + ", not " + sum(t, text)},
		"grown":     {Program{Content: strings.NewReader(text + "!")}, true, "its SHA-256 is"},
		"unread":    {Program{Content: folder}, false, "is a directory"},
		"no digest": {Program{Content: strings.NewReader(text), SHA256: "beef"}, false, `"beef" is not a SHA-256`},
		"no header": {Program{Content: strings.NewReader(text)}, false, "reading the program's header"},
	} {
		t.Run(name, func(t *testing.T) {
			target := file(t, "old")
			c.p.Size = int64(len(text))
			if c.p.SHA256 == "" {
				c.p.SHA256 = sum(t, text)
			}
			err := Write(target, c.p)
			if err == nil || errors.Is(err, ErrContent) != c.content || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want one that says %q, and ErrContent: %t", err, c.says, c.content)
			}
			entries, _ := os.ReadDir(filepath.Dir(target))
			if old, _ := os.ReadFile(target); string(old) != "old" || len(entries) != 1 {
				t.Errorf("%q is there, and beside it %v", old, entries)
			}
		})
	}
}
