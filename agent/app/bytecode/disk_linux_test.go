package bytecode

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/test/disk"
)

// TestFullDiskForTheCompiler: what fits is used, and why there is not more is told.
func TestFullDiskForTheCompiler(t *testing.T) {
	py := python(t)
	d := disk.New(t, disk.Size(1<<20), disk.Inodes(200))
	c := compiler(t, py)
	c.Build.Folder = func() (string, string, func(), error) {
		dir := filepath.Join(d.Dir, "build")
		return "build", dir, func() { _ = os.RemoveAll(dir) }, janitor.Make(dir)
	}
	files := map[string]string{"a.py": "A = 1\n"}
	for n := range 300 {
		files[fmt.Sprintf("m%d.py", n)] = "X = '" + strings.Repeat("x", 5000) + "'\n"
	}
	dir := unpack(t, files)
	set, err := c.Compile(t.Context(), dir, pythonApp, &Record{}, t.TempDir())
	if !like(err, "No space left") || len(set.Files) == 0 || len(set.Files) > 200 || set.Refused != nil {
		t.Errorf("got %v and %d files; refused: %v", err, len(set.Files), set.Refused)
	}
	if left, err := os.ReadDir(d.Dir); err != nil || len(left) > 0 && left[0].Name() == "build" {
		t.Errorf("left over: %v, %v", left, err)
	}
}
