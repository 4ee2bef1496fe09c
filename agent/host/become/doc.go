// Package become is how a command that root started stops being root before it touches what a
// lesser user controls.
//
// An administrator types "sudo tcenvsvr …" and means the agent's settings, logs and keys. They
// belong to the agent's user, who could put a link, a pipe or a program of its own wherever root is
// about to look. No check of a path can win that race. So root does not look: it becomes that user
// first, and then can do no more than that user can do anyway.
//
//	Owner    which user could exchange a path, or a folder above it
//	Drop     makes this process that user, for good
//	Command  runs this program as that user, from a process that stays root
//	Open     opens a file that the administrator named and only root may read, before Drop; never
//	         where the user could have exchanged something on the path
//	Create   makes such a file
//
// To become another user is not enough on a terminal: a process that shares the terminal of root's
// shell could type into it (TIOCSTI). So what runs as the user has no controlling terminal, and the
// user's other processes cannot trace it.
//
// Windows has no root: there Owner returns nobody.
package become
