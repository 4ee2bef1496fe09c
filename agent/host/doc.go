// Package host is the room of the machine the agent runs on: what it is, what the package
// makes of it, and as whom things are done.
//
//	facts    what the machine is: system, processors, memory, disk
//	paths    where things live, for each operating system
//	setup    users, groups, folders, access lists, PAM and sudoers ("tcenvsvr host apply")
//	acl      access control lists of files
//	become   becoming a lesser user for good, before root touches what that user controls
//	fitness  whether this host can run Apps now, and when that is looked at again
//	clock    whether the wall clock may be trusted
package host
