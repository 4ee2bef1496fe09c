// Package spool keeps what the App of a service said and must not be lost, in one file of its shim's
// folder, until the cloud has it:
//
//	Append ─► written ─► synced, several at a time ─► Next gives it out ─► … ─► Taken forgets it
//
// A record is its length (4 bytes), its number (8), a checksum of number and payload (CRC-32C, 4), big-endian, and
// the payload. Numbers count from 1 without a gap. What is not synced is not given out. The file is made empty
// when everything is taken, and written anew without what is taken when it has become large.
//
// There is a bound for what waits. Beyond it, and when the disk is full, events are lost; a record of the spool's own
// says how many and why, as soon as it can be written.
//
// An agent reads the spool of a job that has ended by itself (Read): the App could have changed it, so
// everything is checked, and reading ends where a record is not what it should be.
package spool
