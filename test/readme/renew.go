package readme

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Renew compares the made parts of a document with what they should be, and writes them where the
// environment has UPDATE. A part begins with "<!-- NAME: COMMAND -->" and ends with
// "<!-- end of NAME -->", each in a line of its own; COMMAND is what renews it.
func Renew(t *testing.T, file, command string, parts map[string]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, part := range parts {
		begin, end := "<!-- "+name+": "+command+" -->\n", "<!-- end of "+name+" -->\n"
		i, j := strings.Index(want, begin), strings.Index(want, end)
		if i < 0 || j < i {
			t.Fatalf("%s lacks %q … %q", file, begin, end)
		}
		want = want[:i+len(begin)] + "\n" + strings.Trim(part, "\n") + "\n\n" + want[j:]
	}
	if string(text) == want {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s differs from the tables (-document +tables); %s rewrites it:\n%s",
			file, command, cmp.Diff(strings.Split(string(text), "\n"), strings.Split(want, "\n")))
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
