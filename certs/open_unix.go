//go:build unix

package certs

import (
	"errors"
	"os"
)

// errOpen: whoever adds a CA can read everybody's traffic.
var errOpen = errors.New("every user of this host may write it, so it is not trusted: take that right away (chmod o-w)")

// notOpen refuses what every user may write.
func notOpen(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		err = errOpen
	}
	return err
}
