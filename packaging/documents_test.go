package packaging

import (
	"archive/zip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocuments: every link of a document in the package leads to a document in the package.
func TestDocuments(t *testing.T) {
	all, err := documents("..")
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for name, text := range all {
		for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`).FindAllStringSubmatch(string(text), -1) {
			links++
			if all[m[1]] == nil && !strings.Contains(m[1], "://") {
				t.Errorf("%s: %q is not in the package", name, m[1])
			}
		}
	}
	if len(all) != len(operators) || links == 0 || all["README.md"] == nil || all["agent-link.md"] == nil {
		t.Errorf("got %d documents with %d links", len(all), links)
	}
}

// TestZip: the zip has the documents beside README.md, whose links lead to them.
func TestZip(t *testing.T) {
	b := build(t)
	for _, name := range []string{"tcenvsvr.exe", "tcenvsvr-shim.exe"} {
		if err := os.WriteFile(filepath.Join(b.Stage, name), []byte("MZ"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	z, err := zip.OpenReader(write(t, "programs.zip", b.Zip))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	for _, want := range []string{"tcenvsvr.exe", "README.md", "updater.md"} {
		if !slices.Contains(names, Name+"/"+want) {
			t.Errorf("the zip has %q, and not %q", names, want)
		}
	}
}
