package shim

import (
	"fmt"
	"os"
)

// clearDir empties dir of what is ours, also where an App has closed a
// folder to everybody. It follows no link and complains of nothing inside: whoever
// asked removes the rest and judges by that.
func clearDir(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("clearing %q: %w", dir, err)
	}
	defer root.Close()
	empty(root)
	return nil
}

func empty(root *os.Root) {
	names, err := root.Open(".")
	if err != nil {
		return
	}
	entries, _ := names.ReadDir(-1) // what could be read of it
	_ = names.Close()
	for _, e := range entries {
		if e.IsDir() {
			_ = root.Chmod(e.Name(), 0o700)
			if sub, err := root.OpenRoot(e.Name()); err == nil {
				empty(sub)
				_ = sub.Close()
			}
		}
		_ = root.Remove(e.Name())
	}
}
