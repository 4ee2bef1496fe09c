// Package audit keeps the log of security-relevant acts: who did what to this server, and what the
// cloud ordered.
//
//	{"time":"2026-11-26T04:02:11.5Z","act":"settings_changed","user":"root","login":"alice","pid":812,"keys":["proxyHost"]}
//
// An act is one line, written at once, so that the agent and commands can append to the file at the
// same time. If the disk is full the part that was written is removed; a part that a crash has left
// becomes a line of its own. Acts of people are flushed to the disk before [Log.Record] returns.
// Those of orders are not, because the journal holds orders already, and an order must not wait for
// a disk.
//
// Who controls the cloud could send orders that are denied, as many as it likes, until the file has nothing
// else. So of those that are equal but for the order only the first twenty are written at once ("order_denied"), and
// later one with the number of those that came after it ("repeated").
//
// A full file becomes audit.jsonl.1, that one .2, and so on; the oldest is removed. A process that
// rotates holds the lock on the file, so that two processes do not rotate twice; no process waits
// for the lock. A writer that has opened the file before the rotation writes its line into .1,
// where it is as good.
//
// The folder belongs to the agent's user, and commands run as root. So the log refuses a file that
// is not a regular file with one name: nobody can make root write into another file.
package audit
