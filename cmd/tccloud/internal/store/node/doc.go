// Package node is one node of the NATS cluster in which several gateways keep a cloud: a NATS
// server with JetStream in a process of its own, so that a cluster needs no other program.
//
//	gateway ─┬─► node ─┐
//	         ├─► node ─┼─ each has a copy of everything; two of three must run
//	gateway ─┴─► node ─┘
//
// A node syncs each write to its disk before it is acknowledged, as the embedded store does. Its
// name is its place in the cluster, also after its disk was replaced: it is the host's and does not
// come from the disk. Without a login it listens on the loopback only.
package node
