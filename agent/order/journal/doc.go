// Package journal is the agent's memory of orders: which it accepted, which it started, and which
// results the cloud has not acknowledged (the outbox). When Accept, Starting and Finish return,
// what they stored survives a crash of the agent and of the host (durable.go).
//
//	Accept ──► accepted ──Starting──► running ──Finish──► outbox ──Forget──► gone
//
// Starting is durable before the App is executed: an entry that is accepted was never started.
//
// # On disk
//
// There are two files of the same form, journal.0 and journal.1. The one with the higher generation
// counts:
//
//	header   magic "TCJ3" · generation (8 bytes) · place (8 + 8 + 16) · CRC-32C     48 bytes
//	record   lengths of payload and secrets (4 + 4) · CRC-32C of each, with
//	         the generation (4 + 4) · payload (JSON) · secrets (JSON)
//	…
//	end      what is no record, with no record of the generation behind it
//	copies/  a file for each entry that may have started or has a result
//
// Records are appended and fsynced by group commit: callers that wait at the same time share one
// fsync, and what they wrote is visible to others only after it. When the file is full of dead
// records, the live ones are written to the other file (rotate.go), which then gets the next
// generation. A crash in between leaves the old file in force.
//
// # Secrets
//
// An order's parameters and token are overwritten in place when its result is durable or the order
// is forgotten. The next start overwrites those that a crash left. A record whose secrets are gone
// counts as forgotten unless a later one holds the result.
//
// # A disk that fails
//
// After an error a file is not written or synced again: the kernel may have dropped what was not on
// the disk yet. The other file takes over with all live entries, and a new one replaces the failed
// one. If that fails, too, the changes that wait are refused as if they had never come, and both
// files are closed, so that the file system can be unmounted. Each later call, also Ready, tries
// again. (If the host or the agent crashes meanwhile, a refused record may come back. Like every
// order that was not started, it then asks the cloud for permission first.)
//
// Both files are preallocated. A full disk therefore cannot keep the result of an accepted order
// from being stored: Accept fails with ErrNoSpace while there is still space for every result that
// may come.
//
// # Damage
//
// A damaged record costs only itself: those behind it are read. The copies hold what the log has
// lost of running orders and of results. Every other order of a damaged log counts as one that may
// have been started (damage.go). The place in the header reveals a copied journal (package
// disk/place): only the results of its orders are delivered.
//
// [Look] says what is damaged without an agent, for whoever asks while none runs (look.go).
//
// Only the agent's user may read the files.
package journal
