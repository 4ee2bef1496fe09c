// Package journal is the agent's memory of orders: which it accepted,
// which it started, and which results the cloud has not acknowledged. What Accept and Finish
// return from survives a crash of the agent and of the host.
//
//	Accept ──► accepted ──Starting──► running ──Finish──► outbox ──Forget──► gone
//
// Starting is durable before the App is executed: what is accepted was never started.
//
// # On disk
//
// Two files of the same form, journal.0 and journal.1, of which the one with the
// higher generation counts:
//
//	header   magic "TCJ3" · generation (8 bytes) · place (8 + 8 + 16) · CRC-32C     48 bytes
//	record   lengths of payload and secrets (4 + 4) · CRC-32C of each, with
//	         the generation (4 + 4) · payload (JSON) · secrets (JSON)
//	…
//	end      what is no record, with no record of the generation behind it
//	copies/  a file for each entry that may have started or has a result
//
// Records are appended and fsynced by group commit: callers that wait at the same
// time share one fsync, and what they wrote is known to others only after it. When the file
// is full of dead records, the live ones are written to the other file, which then gets the
// next generation; a crash in between leaves the old file in force.
//
// # Secrets
//
// An order's parameters and token are overwritten in place when its result is durable or
// it is forgotten; the next start overwrites what a crash kept. A record whose secrets are gone counts
// as forgotten unless a later one holds the result.
//
// # A disk that fails
//
// After an error a file is not written or synced again: the kernel may have
// dropped what was not on the disk yet. The other file takes over with all live
// entries, and a new one replaces the failed one. Where that fails, too, what waits for it
// is refused as if it had never come, both are closed, so that the file system can be unmounted, and each
// later call, also Ready, tries again. (Should the host or the agent crash meanwhile, a refused record may come back; as every
// order that was not started, it then asks the cloud for permission first.)
//
// Both files are preallocated. A full disk therefore cannot keep the result of an
// accepted order from being stored: Accept fails with ErrNoSpace while
// there is still room for every result that may come.
//
// # Damage
//
// A record that is damaged costs itself: those behind it are read. What the log has lost of a
// running order or of a result is in its copy. What else is in a damaged log counts as if it might
// have been started. The place in the header tells a copied journal (package place): of its
// orders, only results are delivered.
//
// The files are readable by the agent's user only.
package journal
