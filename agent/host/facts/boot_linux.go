package facts

import (
	"context"
	"os"
	"strings"
)

// bootID is the kernel's own, a UUID.
func bootID(context.Context) (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
