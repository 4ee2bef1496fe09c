// Package pam edits /etc/pam.d/su so that the agent's user can become the sandbox user by su
// without a password, as the vendor's guide asks, and so that nothing changes for anybody else. The
// agent itself uses sudo: nothing depends on su.
//
// The lines of a PAM file count each other: a control value such as [success=2] jumps over that
// many. A block of lines at the wrong place could let everybody in, or nobody. So
//
//	line.go    reads lines as libpam does
//	chain.go   expands the includes of every service that leads into the su file, and allows a place
//	           only where no jump of any of them goes across
//	block.go   the block, and the places to try
//	try_linux.go      tries the result before the file is touched: by the host's own su, in a mount
//	           namespace, for the agent's user, root and a third user, with and without the block
//	su_linux.go       plans the edit, and its removal, which gives the file back byte by byte
//	replace_linux.go  replaces the file in one step, with its owner, mode, label and ACLs
//
// Where su cannot work, or somebody else would be decided about differently, the file stays as it
// is. It has one backup, in a folder of its own, until the block is removed.
package pam
