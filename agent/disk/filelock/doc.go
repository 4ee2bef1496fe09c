// Package filelock is how processes of one host take turns: the agent keeps
// its journal to itself, two "tcenvsvr settings set" wait for each other.
//
// The kernel holds the lock and gives it back when the process ends, however
// it ends; nothing has to be cleaned up. A lock file is never removed: whoever
// waits for the old one would then not exclude whoever makes a new one.
// Two openings within one process exclude each other as well.
package filelock
