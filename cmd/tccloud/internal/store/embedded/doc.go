// Package embedded runs a NATS server inside this process, on a folder that belongs to it alone. No
// socket is opened, and every write is synced before it is acknowledged.
//
//	Open ─► folder locked, its mark read ─► server runs
//	           ▲                              │ a file fails ([Server.Failure])
//	           │ each second: is it the same  ▼
//	           └─ folder, and keeps 4 MiB? ◄─ closed ([Server.Reopen]); clients connect anew
//
// The first failure is final for the files that the server has open, so the server is never asked
// again: the next one reads what the disk has. A folder without its mark (tccloud.id), such as the
// empty one below a file system that is not mounted, is never taken for the store.
//
// The server itself syncs streams in jetstream.AsyncPersistMode every two minutes; [Server.Flush]
// does it once a second.
package embedded
