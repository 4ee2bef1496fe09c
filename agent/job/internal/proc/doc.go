// Package proc identifies processes, finds their descendants, and signals them without ever hitting
// another process.
//
// A process number alone is not enough, because numbers are used again. An [ID] is the number and
// the start time. It holds until the host restarts, which [BootID] tells.
//
//	             identity              tree                         signal
//	Linux        /proc/PID/stat        parents, session, group      pidfd, start time checked behind it
//	macOS        sysctl kern.proc      parents, session, group      start time checked, then kill
//	other Unix   number only           process group only           kill
//	Windows      creation time         (Job Object, package shim)   –
package proc
