// Package filelock lets processes of one host take turns. It keeps other processes from the agent's
// journal, and makes two "tcenvsvr settings set" wait for each other.
//
// The kernel releases a lock when its process ends, however it ends; nothing has to be cleaned up.
// A lock file is never removed: a process that waits for the old file would not exclude one that
// locks a new file. Two locks of one process exclude each other as well.
package filelock
