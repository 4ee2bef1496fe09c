package packaging

import (
	"regexp"
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
