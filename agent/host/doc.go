// Package host is the room of the machine that the agent runs on: what it is, what the package
// makes of it, and as which user things are done.
//
//	layout   names, users and folders of the package: one place for these facts
//	paths    where the agent's own files are, on each operating system
//	facts    what the machine is: system, processors, memory, disk
//	setup    "tcenvsvr host apply": users, groups, folders, access lists, the order of the steps
//	pam      the part of it that edits /etc/pam.d/su
//	sudoers  the part of it that writes the sudoers rule, and proves it
//	acl      access control lists of files
//	tool     runs tools of the host and looks up users
//	become   becomes a lesser user for good, before root touches what that user controls
//	fitness  whether this host can run Apps now
//	memory   gives back what a process that waits does not need
//	clock    whether the wall clock may be trusted
package host
