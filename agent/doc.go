// Package agent is the heart of the Environment Server: it receives orders from the Dedicated
// Cloud, runs their Apps, and delivers the results.
//
//	order ─► journal ─► App ready ─► job folder ─► shim ─► exit ─► outbox ─► cloud
//	receive.go  └──────────────── package order ─────────────────────┘
//
// Before each step the customer's policy is asked (package order/guard): an order that it denies ends
// rejected.
//
// This package holds what all orders share: messages arrive in receive.go, slots and credit are
// kept in slots.go, sessions begin and end in session.go. Each order has one goroutine, whose life
// package order tells. What is durable decides, not what is in memory: an agent that starts again
// reads the journal (recover.go), and each order enters its life where the last agent left it:
//
//	in the journal        on the host                          goes on with
//	accepted              no App of it was ever executed       hold until the cloud says start
//	no result             the shim runs                        waiting for its exit
//	no result             the shim never got its Go            hold until the cloud says start
//	no result             an exit file                         collecting the outcome
//	no result             the shim is gone, no exit file       interrupted, with the reason
//	result                –                                    delivering it until acknowledged
//	nothing               a shim runs                          ending it: nobody waits for it (stray.go)
//	the whole was lost    job folders                          telling what they say, no results (lost.go)
//
// An agent that stops leaves its jobs alone: they belong to their shims, and the next agent finds
// them. Drain means: take no new orders, let jobs finish. Cancel means: end this job now; only the
// cloud cancels.
//
// # The rooms
//
//	order     the life of one order: accept, prepare, start, follow, outbox, and the journal
//	          that keeps all of it durably (order/journal)
//	link      the connection to the message broker: proxies, TLS, sessions, the protocol (link/wire)
//	cloud     the client of the cloud's HTTPS API: Apps, parameters, files
//	app       Apps: packages, installation, launch, outcome, the API that they call
//	job       the process tree of one order, under a shim that outlives the agent
//	enroll    how a host becomes a server of an Environment; its certificate and its renewal
//	settings  the one table of settings, and their values
//	secret    the keychain, and files that only their owner may read
//	host      the machine: facts, paths, set-up, fitness, clock, becoming a lesser user
//	disk      durable files, locks, free space
//	control   the local socket by which the command line asks and tells the agent
//	logging   the log, the audit trail, figures for Prometheus, and foreign text that can do no harm where it is shown
//
// # A host that cannot run Apps
//
// If the App of an order certainly was not started because of the host (its disk, its limits, its
// rights), the order is given back: its result says Returned, and the cloud queues the order again.
// From then on no order is taken until a probe has made all that a start needs (fitness.go, package
// host/fitness).
//
// # Sessions
//
// The link makes sessions. A message is sent in the session it was made for or not at all; what
// must not be lost is in the journal and is sent again in the next session.
package agent
