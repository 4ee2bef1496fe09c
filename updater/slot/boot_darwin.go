package slot

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/updater/slot/state"
)

// bootNow names the boot by its time. The kernel moves that time when somebody sets the wall clock;
// then the boot counts as another one, and a start does not count against the candidate.
func bootNow() state.Boot {
	t, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return state.Boot{}
	}
	return state.Boot{ID: strconv.FormatInt(t.Sec, 10), Up: time.Since(time.Unix(t.Unix()))}
}
