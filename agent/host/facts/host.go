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

	"github.com/shirou/gopsutil/v4/disk"
	pshost "github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
)

// Facts are the state of the host at one moment. Sizes are in bytes.
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

// Host reads facts. It remembers those that do not change while the host
// is up.
type Host struct {
	platform string
	boot     string
	machine  string
}

// New looks up what does not change.
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

// anonymous is what may be told of a machine's id: the same each time, and
// of no use to whoever knows the id itself from elsewhere (machine-id(5) asks for that).
func anonymous(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("tcenvsvr " + id))
	return hex.EncodeToString(sum[:16])
}

// MachineID is the same for the life of an installed system, and in most
// cases another one on another host; "" where the host does not tell.
func (h *Host) MachineID() string { return h.machine }

// BootID differs after every start of the host and is the same until then.
// It is at most 64 bytes long, "" where the host does not tell.
func (h *Host) BootID() string { return h.boot }

// Facts reads the facts of now; disk space is that of the file system that
// holds path. The facts are usable whatever the error, which names those that are missing.
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
	if d, err := disk.UsageWithContext(ctx, path); err != nil {
		note(fmt.Sprintf("disk space of %q", path), err)
	} else {
		f.DiskTotal, f.DiskFree = d.Total, d.Free
	}
	return f, errors.Join(errs...)
}
