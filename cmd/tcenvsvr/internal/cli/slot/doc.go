// Package update holds the verbs of self-update.
//
// Slot is for the service manager and not shown in help: the root side of
// self-update (package updater/slot), which only the package's own program
// does, never one that came by an update:
//
//	ExecStartPre=+   slot select    which program is started
//	path and timer   slot apply     take the release in the inbox
//	path and timer   slot bless     the new program is healthy, or was not in time
//	ExecStopPost=+   slot ended     how it ended
//	by hand          slot state     what root remembers
package slot
