// Package acl reads and writes POSIX ACLs as Linux keeps them, in extended
// attributes of files. Who sets a host up and who runs an App without one that is set
// up let the sandbox user in by the same lists.
package acl

// Grant gives a user more than others have.
type Grant struct {
	UID  int
	Perm uint16 // rwx as 4, 2, 1
}
