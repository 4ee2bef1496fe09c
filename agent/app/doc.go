// Package app knows Apps: where they are installed, how they are started,
// and what they leave behind. It is the front of its sub-packages; who uses
// Apps imports this one.
//
//	order ─► Catalog.Lookup ──no──► Catalog.Install: download ─► verify ─► unpack ─► rename
//	               │ yes                                                              │
//	               ▼                                                                  ▼
//	              App ◄──────────────────────────── programs/<name>_v<major>/<sha256>/
//	               │ Launch(Execution)
//	               ▼
//	         job.Launch ─► package job runs it ─► Outcome(exit code), Collect, Published
//
//	tcx      install.json, unpacking of hostile packages
//	launch   recipes for Python and Java, parameters, environment
//	outcome  exit codes, message.tc, results.tc, published files, causes on stderr
//	seal     whether an installation is still what was installed
//	fault    the names of what can go wrong
//	space    free space of a disk
//
// An installation is named by the SHA-256 of its package and complete from the
// moment it has its name; a name that is there is never written to again. Each start checks it, and a
// damaged one is downloaded again (check.go).
package app
