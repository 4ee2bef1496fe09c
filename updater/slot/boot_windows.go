package slot

import (
	"golang.org/x/sys/windows"

	"tcenvsvr/updater/slot/state"
)

// bootNow has no name for the boot, so a start that a power loss ended counts against the candidate
// on Windows.
func bootNow() state.Boot { return state.Boot{Up: windows.DurationSinceBoot()} }
