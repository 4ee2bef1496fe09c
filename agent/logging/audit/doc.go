// Package audit keeps the log of security-relevant acts: who did what to
// this server, and what the cloud made it do.
//
//	{"time":"2026-11-26T04:02:11.5Z","act":"settings_changed","user":"root","login":"alice","pid":812,"keys":["proxyHost"]}
//
// One line an act, one write a line: the agent and every command append to the
// same file at once and no line is torn. What a full disk took of a line is taken back, and
// what a crash left of one is a line by itself. Acts of people are flushed to the disk before Record
// returns; those of orders are not, because the journal holds orders already
// and an order must not wait for a disk.
//
// A full file becomes audit.jsonl.1, that one .2, and so on; the oldest goes. Whoever rotates
// holds the lock on the file, so that several processes do not rotate
// twice; nobody waits for it. A writer that was between open and write then ends up in .1, where the line
// is as good.
//
// The folder belongs to the agent's user and commands run as root: what is not a
// plain file with one name is refused, so that nobody makes root write elsewhere.
package audit
