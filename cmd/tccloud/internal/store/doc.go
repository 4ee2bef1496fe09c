// Package store is the one place where the cloud keeps things: NATS
// JetStream, either a server inside this process or an existing cluster.
//
//	Config.Dir   ─► embedded server, no socket, files under Dir,
//	                every write fsynced before it is acknowledged
//	Config.URLs  ─► external servers; 3 replicas where the cluster has
//	                three nodes or more (Config.Replicas overrides)
//
// Everybody above gets buckets and streams through KV, Objects and
// Stream, which create what is missing and bring what exists up to date, so
// that any number of gateways may start at once and in any order.
//
// The embedded store knows its disk (Room): how much is kept follows its size (Share, Fit), and
// nothing is written where it ends. An inventory beside the folder says what was there: NATS
// starts without a word on files that lost their messages, Open does not (check, mend).
//
// NATS drops what comes in faster than its disk takes it ("too many requests"). Every
// write outlasts that, and large contents (Objects) are written and read one chunk at a time.
//
// "Not found" is said only where that is certain (ErrUnreadable otherwise): NATS says it
// of an I/O error, too. Run proves each second that a write is durable; Health is what it found.
//
//	embedded, a write fails ─► closed ─► each second: is it the same folder, and does it
//	                           keep 4 MiB? ─► opened again, clients connect anew
//
// The first failure is final for the files that the server has open, so it is not
// asked again: it reads what the disk has. A folder without its mark (tccloud.id), such as the empty one
// below a file system that is not mounted, is never taken for the store.
//
// Nothing is removed for its age by NATS, whose clock is the host's and may be ten
// years ahead for a moment: Trim and Expire do it, while the clock may judge it (Trust).
//
// What may be lost in a power cut without harm (logs, queue messages that can be
// rebuilt) asks for Relaxed: it is synced once a second, together; see dispatch for who may.
package store
