package shim

import (
	"errors"

	"tcenvsvr/agent/disk/deeptree"
)

// clearDir empties dir of what is ours, also where an App has closed a folder to everybody. It
// follows no link, and what it cannot remove inside is no error: the agent removes the rest and
// finds out.
func clearDir(dir string) error {
	if err := deeptree.Empty(dir, true); !errors.Is(err, deeptree.ErrLeft) {
		return err
	}
	return nil
}
