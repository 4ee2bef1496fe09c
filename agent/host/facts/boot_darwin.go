package facts

import (
	"context"

	"golang.org/x/sys/unix"
)

// bootID is the kernel's own, a UUID. The time of the start changes when the clock is set.
func bootID(context.Context) (string, error) { return unix.Sysctl("kern.bootsessionuuid") }
