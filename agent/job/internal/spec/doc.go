// Package spec holds the nouns that the agent and its shims exchange, and
// their encoding: what the agent writes to the shim's stdin, the line it reads
// back, and the files that the shim leaves in the job's folder.
//
//	agent ── Request (stdin) ──► shim        DIR/shim/state    Status, before the App starts
//	agent ◄─ Reply (stdout) ──── shim        DIR/shim/exit     Exit, when nothing of the job lives
//	agent ── Go (stdin) ───────► shim        DIR/shim/sock     "wait", "cancel"
//	agent ◄─ Reply (stdout) ──── shim        DIR/shim/stdout, DIR/shim/stderr
//	agent ◄─ Exit (socket) ───── shim
//
// The files belong to the sandbox user, under which the App runs as well. For
// the agent they are the word of a possibly hostile App: every read is
// bounded, follows no link, opens nothing but regular files, and what is read is checked field by field.
//
// Version rule: fields may be added and readers ignore those they do not
// know, because a shim outlives the agent that started it, across updates and rollbacks.
// A Request does not cross: what a shim ignored of a Launch it would not do, so an
// agent asks the shim of its own release. Only while a package is exchanged under a
// running agent may they differ, and a job that lacks what is new is better than none.
package spec
