package shim

import (
	"errors"

	"tcenvsvr/agent/disk/deeptree"
)

// clearDir empties dir of what is ours, also where an App has closed a
// folder to everybody. It follows no link and complains of nothing inside: whoever
// asked removes the rest and judges by that.
func clearDir(dir string) error {
	if err := deeptree.Empty(dir, true); !errors.Is(err, deeptree.ErrLeft) {
		return err
	}
	return nil
}
