// Package sock is the unix socket between an agent and a shim:
//
//	agent                       shim
//	  │── "wait\n" ──────────────►│
//	  │◄───────── Exit, one line ─│  when nothing of the job lives
//	  │── "cancel\n" ────────────►│
//	  │◄───────── "ok\n" ─────────│  at once; those who wait are told the end
//	  │── "noted\n" ─────────────►│  the end is in the agent's journal: a shim
//	  │◄───────── "ok\n" ─────────│  that cannot write it down may forget it
//
// The shim of a template answers two more (package warm):
//
//	agent                       shim of a template
//	  │── "report\n" ───────────►│
//	  │◄──────── one line of JSON │  what its init has said of it; "{}" before
//	shim of an order
//	  │── "order KEY\n" ────────►│  from here on it is the connection of that shim with the
//	  │                          │  template's init, or closed
//
// The shim of a service answers one more (package service):
//
//	agent                       shim of a service
//	  │── "service\n" ─────────►│
//	  │◄── lines of spec.Word ──►│  until one of them ends; a newer such connection ends the older
//
// On Linux its address has no file: nothing is made and removed for it on the disk, and the shim is heard
// also when the folder is gone, with its file system or because the App removed it. Such addresses are seen
// within one network namespace only; a shim that was put into another than its agent's, and any shim on other
// systems, listens at a file "sock" in its working directory. A socket's path may have 104 to 108 bytes, and that
// of a job's folder is longer: the agent connects through a descriptor of the folder on Linux and through a short
// link elsewhere.
//
// The kernel says who is at the other end: the shim serves its owner and root, but no App; the
// agent believes the process that it started.
package sock

// The verbs.
const (
	Wait    = "wait\n"
	Cancel  = "cancel\n"
	Noted   = "noted\n"
	OK      = "ok\n"
	Report  = "report\n"
	Service = "service\n"
	Order   = "order " // and the key of the template, which no App has
)
