package atomicfile_test

import (
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
)

// A state file is replaced. A crash at any moment leaves the old or the new content.
func ExampleWriteFile() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	_ = atomicfile.Sweep(dir) // at the program's start: what an earlier crash left
	file := filepath.Join(dir, "state.json")
	for _, text := range []string{`{"epoch":1}`, `{"epoch":2}`} {
		if err := atomicfile.WriteFile(file, []byte(text), 0o600); err != nil {
			fmt.Println(err)
		}
	}
	data, _ := os.ReadFile(file)
	fmt.Printf("%s\n", data)
	// Output: {"epoch":2}
}
