// Package journal is the agent's memory of orders: which it accepted,
// which it started, and which results the cloud has not acknowledged. What Accept and Finish
// return from survives a crash of the agent and of the host.
//
//	Accept ──► accepted ──Started──► running ──Finish──► outbox ──Forget──► gone
//
// # On disk
//
// Two files of the same form, journal.0 and journal.1, of which the one with the
// higher generation counts:
//
//	header   magic "TCJ2" · generation (8 bytes) · CRC-32C                    16 bytes
//	record   lengths of payload and secrets (4 + 4) · CRC-32C of each, with
//	         the generation (4 + 4) · payload (JSON) · secrets (JSON)
//	…
//	end      the first record that is empty, torn or of another generation
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
// is refused as if it had never come, and each later call, also Ready, tries again.
//
// Both files are preallocated. A full disk therefore cannot keep the result of an
// accepted order from being stored: Accept fails with ErrNoSpace while
// there is still room for every result that may come.
//
// The files are readable by the agent's user only.
package journal
