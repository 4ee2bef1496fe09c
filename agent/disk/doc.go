// Package disk is the room of what the agent, the updater and the cloud do to files that
// must survive: a crash, a full disk, another process, an App that means harm. Its packages
// know no orders and no settings, and import nothing of ours.
//
//	atomicfile  a file is replaced whole and durably, or not at all
//	filelock    one process at a time; the lock goes with its holder
//	space       how much room there is, and whether an error says "disk full"
//	place       whether a folder is the one that was written down, or a copy of it
//	deeptree    removing a tree of any depth that somebody else made
//	plainfile   opening a file that must be regular: no link, no pipe
//	zipdir      how large the directory of a ZIP is, before it is read
package disk
