// Package agent is the heart of the Environment Server: it takes orders
// from the Dedicated Cloud, runs their Apps, and reports what came of them.
//
//	order ─► journal ─► App ready ─► job folder ─► shim ─► exit ─► outbox ─► cloud
//
// Every order has one goroutine that walks this line (order.go). What is durable
// decides, not what is in memory: an agent that starts again reads the journal
// and enters the line where the last one left it (recover.go):
//
//	in the journal        on the host                          goes on with
//	accepted              no App of it was ever executed       hold until the cloud says start
//	no result             the shim runs                        waiting for its exit
//	no result             the shim never got its Go            hold until the cloud says start
//	no result             an exit file                         collecting the outcome
//	no result             the shim is gone, no exit file       interrupted, with the reason
//	result                –                                    reporting until acknowledged
//	nothing               a shim runs                          ending it: nobody waits for it
//
// An agent that stops leaves its jobs alone: they belong to their shims, and the next agent
// finds them. Drain means: take no new orders, let jobs finish. Cancel means:
// end this job now, and only the cloud asks for it.
//
// # The rooms
//
//	link      the connection to the message broker: proxies, TLS, sessions, the protocol (link/wire)
//	cloud     the client of the cloud's HTTPS API: Apps, parameters, files
//	journal   what was accepted and what came of it, durably
//	app       Apps: packages, installation, launch, outcome, the API that they call
//	job       the process tree of one order, under a shim that outlives the agent
//	enroll    how a host becomes a server of an Environment; its certificate and its renewal
//	settings  the one table of settings, and their values
//	secret    the keychain, and files that only their owner may read
//	host      the machine: facts, paths, set-up, fitness, clock, becoming a lesser user
//	disk      durable files, locks, free space
//	plain     foreign text that can do no harm where it is shown
//	control   the local socket by which the command line asks and tells the agent
//	logging   the log, and the audit trail
//
// # A host that cannot run Apps
//
// An order whose App certainly was not started, because the host could not (its disk, its limits, its
// rights), is given back (fit.go): a result that says Returned, for the cloud to queue the order again. From
// then on no order is taken until a probe has made all that a start needs (package fitness).
//
// # Sessions
//
// The link makes sessions (session.go). A message is sent in the session it was made
// for or not at all; what must not be lost is kept in the journal and said again in the
// next session. Credit follows one rule: the cloud may have as many orders under way as
// there are free slots; the difference is granted whenever it is positive.
package agent
