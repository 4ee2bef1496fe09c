package slot

import (
	"golang.org/x/sys/windows"

	"tcenvsvr/updater/slot/state"
)

// bootNow has no name for the boot: a start that a power loss ended is not
// given back there.
func bootNow() state.Boot { return state.Boot{Up: windows.DurationSinceBoot()} }
