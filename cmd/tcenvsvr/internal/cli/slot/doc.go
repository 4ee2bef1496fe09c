// Package slot is the hidden "tcenvsvr slot": the root side of self-update (package updater/slot)
// as the service manager calls it. Only the package's own program does it, never one that an update
// brought. One file is one command.
//
//	ExecStartPre=+   slot select    choose the program to start
//	path and timer   slot apply     install the release in the inbox
//	path and timer   slot bless     end the trial of a healthy program, or of one that took too long
//	ExecStopPost=+   slot ended     count how the program ended
//	by hand          slot state     print what root remembers
package slot
