// Package app knows Apps: where they are installed, how they are started, and what they leave
// behind. Callers import this package, which is the front of its sub-packages.
//
//	order ─► Catalog.Lookup ──no──► Catalog.Install: download ─► verify ─► unpack ─► rename
//	               │ yes                                                              │
//	               ▼                                                                  ▼
//	              App ◄──────────────────────────── programs/<name>_v<major>/<sha256>/
//	               │ Launch(Execution)
//	               ▼
//	         job.Launch ─► package job runs it ─► Outcome(exit code), Collect, Published
//
//	tcx        install.json, unpacking of hostile packages
//	signature  who signed a package
//	policy     which Apps and orders the customer accepts
//	launch     recipes for Python and Java, parameters, environment
//	outcome    exit codes, message.tc, results.tc, published files, causes on stderr
//	seal       whether an installation is still what was installed
//	build      isolated jobs of the agent's own, which make things that Apps start faster with
//	bytecode   an App's Python sources, compiled once
//	archive    class-data archives of Java Apps
//	templates  processes that Python Apps which run often are forked from
//	inputs     the parameters and Playbook variables that a person gives an App
//	api        the HTTP API that running Apps call
//	fault      the names of what can go wrong with an App
//
// An installation is named by the SHA-256 of its package. It is complete when it gets its name, and
// is not changed after that. Each start checks it, but where that would be more than ten times a
// second, and a damaged one is downloaded again (check.go).
//
// After the first start of an App its sources are compiled in the background (bytecode.go), and
// again after a start with another interpreter:
//
//	order ─► App started ─► Catalog.Started ─► build.Queue ─► Catalog.Run: Compiler ─► __pycache__
//
// No start waits for it. The first run would gain nothing by that: there is more to compile than it
// imports. An App that was installed and never started, because a policy denies it, is not
// compiled.
package app
