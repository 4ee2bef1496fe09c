// Package become is how a command that root started stops being root before it
// touches what a lesser user controls.
//
// An administrator types "sudo tcenvsvr …" and means the agent's settings,
// logs and keys. Those belong to the agent's user, who could put a link, a pipe or
// a program of its own wherever root is about to look. No check of a path can win
// that race, so root does not look: it becomes that user first, and then can do
// what that user can do anyway.
//
//	Owner    who could exchange a path, or anything on the way to it
//	Drop     this process becomes that user, for good
//	Command  this program, run as that user, by a process that stays root
//	Open     a file that the administrator named and only root may read: opened
//	Create   … or made, before the process becomes the user, and never where
//	         the user had a hand in the path
//
// Becoming another user is not enough on a terminal: whoever shares the terminal
// of root's shell could type into it (TIOCSTI). So what runs as the user has no
// controlling terminal, and cannot be traced by the user's other processes.
//
// Windows has no root; there Owner finds nobody to become.
package become
