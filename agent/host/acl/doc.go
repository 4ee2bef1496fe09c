// Package acl reads and writes POSIX ACLs as Linux keeps them, in extended attributes of files. The
// host's setup and "tcenvsvr app run", which works without it, give the sandbox user access by the
// same lists.
package acl

// Grant gives a user rights that others do not have.
type Grant struct {
	UID  int
	Perm uint16 // rwx as 4, 2, 1
}
