//go:build !linux

package facts

import (
	"context"

	"github.com/shirou/gopsutil/v4/host"
)

// machineID is Windows' MachineGuid, or the platform's UUID.
func machineID(ctx context.Context) (string, error) { return host.HostIDWithContext(ctx) }
