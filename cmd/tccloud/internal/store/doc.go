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
// NATS drops what comes in faster than its disk takes it ("too many requests"). Every
// write outlasts that, and large contents (Objects) are written and read one chunk at a time.
//
// What may be lost in a power cut without harm (logs, queue messages that can be
// rebuilt) asks for Relaxed and costs no fsync; see dispatch for who may.
package store
