package help

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/test/need"
)

var exits = cli.ExitCodes{{Code: 75, Meaning: "restart me"}, {Code: 0, Meaning: "ok"}}

// TestFilesAreInThePackage compares with what the package is pinned to.
func TestFilesAreInThePackage(t *testing.T) {
	golden, err := os.ReadFile("../../../../../packaging/testdata/rpm.golden")
	if err != nil {
		t.Fatal(err)
	}
	topic := files()
	for _, r := range topic.Sections[1].Rows {
		if !strings.Contains(string(golden), " "+r.Term+" ") {
			t.Errorf("the package has no %q", r.Term)
		}
	}
	for _, r := range topic.Sections[0].Rows {
		if !strings.HasPrefix(r.Term, "HOME/") {
			t.Errorf("%q is not below HOME", r.Term)
		}
	}
}

// TestText keeps the topics readable: they fit a wide terminal, and no row is empty.
func TestText(t *testing.T) {
	for _, topic := range Topics(exits) {
		for line := range strings.Lines(topic.text()) {
			if len(line) > 130 {
				t.Errorf("%s: a line of %d bytes: %s", topic.Name, len(line), line)
			}
		}
		for _, s := range topic.Sections {
			for _, r := range s.Rows {
				if r.Term == "" || r.Text == "" || strings.HasSuffix(r.Text, ": ") {
					t.Errorf("%s: the row %q is empty", topic.Name, r)
				}
			}
		}
	}
}

func TestRow(t *testing.T) {
	s := Section{Column: 4, Rows: []Row{{"ab", "short"}, {"abcdef", "below the term"}}}
	got := Topic{Intro: "Intro.", Sections: []Section{s}}.text()
	if want := "Intro.\n\n  ab   short\n  abcdef\n       below the term"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestManualPages has man itself format each page.
func TestManualPages(t *testing.T) {
	root := &cobra.Command{Use: "tcenvsvr", Short: "root", Run: func(*cobra.Command, []string) {}}
	root.AddCommand(Commands(exits)...)
	dir := t.TempDir()
	pages, err := WriteMan(root, dir, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(pages), 1+len(Topics(exits)); got != want {
		t.Fatalf("got %d pages, want %d: %q", got, want, pages)
	}
	page, err := os.ReadFile(filepath.Join(dir, "tcenvsvr-exit-codes.1"))
	if err != nil || !strings.Contains(string(page), "restart me") || !strings.Contains(string(page), "1.2.3") {
		t.Errorf("the page of the exit codes (%v):\n%s", err, page)
	}
	groff := need.Tool(t, "groff")
	for _, file := range pages {
		out, err := exec.Command(groff, "-man", "-Tascii", "-ww", "-z", file).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", filepath.Base(file), err, out)
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{`.TH a-b`: `\&.TH a\-b`, `C:\x`: `C:\ex`, "'x": `\&'x`} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q): got %q, want %q", text, got, want)
		}
	}
}
