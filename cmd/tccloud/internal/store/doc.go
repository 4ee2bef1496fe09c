// Package store is the one place where the cloud keeps things: NATS JetStream, either a server
// inside this process or an existing cluster.
//
//	Config.Dir   ─► embedded server, no socket, files below Dir, every write synced before it
//	                is acknowledged
//	Config.URLs  ─► external servers; as many replicas as there are; at first 3 where
//	                the cluster has three nodes (Config.Replicas overrides). They may start at
//	                the same time: connect.go waits for them
//
// The rest of the cloud gets buckets and streams by [Store.KV], [Store.Objects] and [Store.Stream],
// which create what is missing and bring what exists up to date. So any number of gateways may
// start at once and in any order. [Store.Run] shows each second that a write is durable, and
// [Store.Health] is what it found.
//
//	bucket     values and objects: retries while NATS is busy, and tells absence from failure
//	embedded   the server in this process: its folder, its files' failures, opening it again
//	node       a server in a process of its own, one of a cluster
//	inventory  what an embedded server held, what it has lost, and going on without that
//	quota      how the disk is divided, and where writing ends
//	retention  removing what is too old or too much
//
// Streams that a power cut may harm without consequence (logs)
// ask for [Store.Relaxed]; package dispatch says which they are.
package store
