package slot

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/updater/slot/state"
)

// bootNow knows the boot by its time; where the wall clock is set the
// kernel moves that too, and the boot counts as another one: a start is given back.
func bootNow() state.Boot {
	t, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return state.Boot{}
	}
	return state.Boot{ID: strconv.FormatInt(t.Sec, 10), Up: time.Since(time.Unix(t.Unix()))}
}
