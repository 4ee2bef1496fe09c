package facts

import (
	"context"
	"fmt"
	"strconv"

	"github.com/shirou/gopsutil/v4/host"
	"golang.org/x/sys/windows/registry"
)

// bootID is the number that Windows counts its starts by. Where that is
// not kept, the time of boot in minutes has to do; it is computed from the clock and
// may be off by one, which costs a job that could have been found again.
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
