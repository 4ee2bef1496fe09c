package facts

import (
	"context"
	"fmt"
	"strconv"

	"github.com/shirou/gopsutil/v4/host"
	"golang.org/x/sys/windows/registry"
)

// bootID is the number by which Windows counts its starts. Where Windows does not keep it, bootID
// is the time of the start in minutes. That is computed from the clock and may be off by one; then
// a running job is not found again.
func bootID(ctx context.Context) (string, error) {
	const key = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, key, registry.QUERY_VALUE)
	if err == nil {
		defer k.Close()
		if n, _, err := k.GetIntegerValue("BootId"); err == nil {
			return "boot-" + strconv.FormatUint(n, 10), nil
		}
	}
	at, err := host.BootTimeWithContext(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("up-since-minute-%d", at/60), nil
}
