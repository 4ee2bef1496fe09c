// Package order is the life of one order on this host, from its acceptance until the cloud has its
// result. One goroutine walks the line, one file tells each step:
//
//	accept.go    the order is made durable in the journal (agent/order/journal/durable.go)
//	prepare.go   its App is downloaded; a held order waits for the cloud's permission to start
//	start.go     its folder is made, the start is made durable, the shim executes the App
//	follow.go    its output goes to the cloud (logs.go) until the App has ended
//	outcome.go   what the App left becomes a result; its files are uploaded (files.go)
//	outbox.go    the result is made durable and waits until the cloud has acknowledged it
//
// Before the App is fetched, before it is started, and in between, package guard says whether the host's
// owner allows it.
//
// The order of a service goes the same way; while its App runs, service.go carries what it and the cloud say.
//
// Three things leave this line. An order may be ended before its App ends (ending.go). An App that
// certainly did not start because of this host is given back to the cloud (giveback.go). And an
// agent that starts again enters the line where the agent before it left it (resume.go).
//
// What is durable decides, not what is in memory. A message is sent in the current session or not
// at all; what must not be lost is in the journal and is sent again in the next session
// (sessions.go).
//
// # What an order waits for
//
// Of the time from an order's arrival to its App, two things are the disk's and the kernel's: the sync of its
// start (orders that come at the same time share it), and the execution. The rest is work: what the App is told
// (trust stores are looked at, not read), the job's folder with six folders in it, the words with a shim that
// waits (package job says what they cost), and the copies of the journal's entry. The acceptance is synced
// meanwhile: an order that the journal turns out not to take has had a folder and a shim, and nothing was
// executed. The shim builds the App's world while the start is synced. The end is synced once, with the result.
//
// An order knows little of its agent: the three methods of [Agent] and the parts in [Config].
package order
