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
//	header   magic "TCJ1" · generation (8 bytes) · CRC-32C          16 bytes
//	record   length (4) · CRC-32C of generation and payload (4) · payload (JSON)
//	…
//	end      the first record that is empty, torn or of another generation
//
// Records are appended and fsynced by group commit: callers that wait at the same
// time share one fsync. When the file is full of dead records, the
// live ones are written to the other file, which then gets the next generation; a crash in
// between leaves the old file in force. When nothing is live the log starts over,
// so that parameters of finished orders do not stay on the disk.
//
// Both files are preallocated. A full disk therefore cannot keep the result of an
// accepted order from being stored: Accept fails with ErrNoSpace while
// there is still room for every result that may come.
//
// The files hold the parameters of orders that have not started yet and are readable by the
// agent's user only.
package journal
