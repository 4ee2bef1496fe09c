package templates

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestEndlessList: a list that an App has filled with names that there are not is read in no time, also
// where looking for each of them costs as much as an App can make it.
func TestEndlessList(t *testing.T) {
	app := t.TempDir()
	deps := filepath.Join(app, "deps")
	if err := os.Mkdir(deps, 0o755); err != nil {
		t.Fatal(err)
	}
	for n := range maxModules - 10 {
		if err := os.WriteFile(filepath.Join(deps, fmt.Sprintf("x%d", n)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(deps, "there.cpython-311-x86_64-linux-gnu.so"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	list := []byte("deps\tthere\n")
	for n := 0; len(list) < maxList; n++ {
		list = fmt.Appendf(list, "deps\tA%x\n", n)
	}
	begun := time.Now()
	got := parseList(list, app)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(got) != 1 || got[0].Name != "there" {
		t.Errorf("got %d, %+v", len(got), got)
	}
	if again := parseList(bytes.Repeat(list[:11], 10), app); len(again) != 1 {
		t.Errorf("got %+v", again)
	}
}
