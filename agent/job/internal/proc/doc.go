// Package proc knows processes: who they are, who descends from whom, and how
// to signal them without ever hitting a stranger.
//
// A process number alone says nothing: it is used again. An ID is the number and
// the start time, and is good until the host restarts, which BootID tells.
//
//	             identity              tree                         signal
//	Linux        /proc/PID/stat        parents, session, group      pidfd, start time checked behind it
//	macOS        sysctl kern.proc      parents, session, group      start time checked, then kill
//	other Unix   number only           process group only           kill
//	Windows      creation time         (Job Object, package shim)   –
package proc
