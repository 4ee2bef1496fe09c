// Package disk is the room of files that must survive a crash, a full disk, another process, or a
// hostile App. Agent, updater and cloud use it. Its packages know no orders and no settings, and
// import nothing of ours.
//
//	atomicfile  a file is replaced whole and durably, or not at all
//	filelock    one process at a time; the lock goes with its holder
//	space       how much room there is, and whether an error says "disk full"
//	place       whether a folder is the one that was recorded, or a copy of it
//	deeptree    removing a tree of any depth that somebody else made
//	plainfile   opening a file that must be regular: no link, no pipe
//	zipdir      how large the directory of a ZIP is, before it is read
package disk
