package facts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	pshost "github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"

	"tcenvsvr/agent/disk/space"
)

// Facts is the state of the host at one moment. Sizes are in bytes.
type Facts struct {
	Hostname    string
	Platform    string  // e.g. "rhel 9.4"
	CPUs        int     // that the agent may use
	Load1       float64 // 1-minute load average, 0 on Windows
	MemoryTotal uint64
	MemoryFree  uint64 // available without swapping
	DiskTotal   uint64 // of the file system asked for
	DiskFree    uint64 // of it, available to the agent's user
}

// Host reads facts. It remembers those that do not change while the host is up.
type Host struct {
	platform string
	boot     string
	machine  string
}

// New reads the facts that do not change. The Host is usable whatever the error.
func New(ctx context.Context) (*Host, error) {
	name, _, version, err := pshost.PlatformInformationWithContext(ctx)
	if err != nil {
		name, err = runtime.GOOS, fmt.Errorf("reading platform: %w", err)
	}
	boot, bootErr := bootID(ctx)
	if bootErr != nil {
		bootErr = fmt.Errorf("reading boot id: %w", bootErr)
	}
	machine, machineErr := machineID(ctx)
	if machineErr != nil {
		machineErr = fmt.Errorf("reading machine id: %w", machineErr)
	}
	return &Host{platform: strings.TrimSpace(name + " " + version), boot: boot, machine: anonymous(machine)}, errors.Join(err, bootErr, machineErr)
}

// anonymous derives from a machine's id one that may be told: it is the same each time, and does
// not reveal the id itself, as machine-id(5) asks.
func anonymous(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("tcenvsvr " + id))
	return hex.EncodeToString(sum[:16])
}

// MachineID returns an id that stays the same for the life of an installed system, and that is
// mostly different on another host; "" where the host has none.
func (h *Host) MachineID() string { return h.machine }

// BootID returns an id of at most 64 bytes that changes with every start of the host; "" where the
// host has none.
func (h *Host) BootID() string { return h.boot }

// Facts reads the present facts. Disk space is that of the file system of path. The facts are
// usable whatever the error, which names those that are missing.
func (h *Host) Facts(ctx context.Context, path string) (Facts, error) {
	f := Facts{Platform: h.platform, CPUs: runtime.NumCPU()}
	var errs []error
	note := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("reading %s: %w", what, err))
		}
	}
	var err error
	f.Hostname, err = os.Hostname()
	note("host name", err)
	f.Load1, err = load1(ctx)
	note("load", err)
	if m, err := mem.VirtualMemoryWithContext(ctx); err != nil {
		note("memory", err)
	} else {
		f.MemoryTotal, f.MemoryFree = m.Total, m.Available
	}
	if d, err := space.Of(path); err != nil {
		note(fmt.Sprintf("disk space of %q", path), err)
	} else {
		f.DiskTotal, f.DiskFree = d.Total, d.Free
	}
	return f, errors.Join(errs...)
}
