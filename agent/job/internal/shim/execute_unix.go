//go:build unix

package shim

import (
	"os"

	"golang.org/x/sys/unix"
)

// execute executes another program in this process.
func execute(program string, args []string) error { return unix.Exec(program, args, os.Environ()) }
