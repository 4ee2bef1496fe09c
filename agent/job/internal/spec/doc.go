// Package spec holds the nouns that the agent and its shims exchange, and their encoding: what the
// agent writes to the shim's stdin, the lines that it reads back, and the files that the shim
// leaves in the job's folder.
//
//	agent ── Request (stdin) ──► shim        DIR/shim/state    Status, before the App starts
//	agent ◄─ Reply (stdout) ──── shim        DIR/shim/exit     Exit, when nothing of the job lives
//	agent ── Go (stdin) ───────► shim        the shim's socket "wait", "cancel", "noted"
//	agent ◄─ Reply (stdout) ──── shim        DIR/shim/stdout, DIR/shim/stderr
//	agent ◄─ Exit (stdout of a shim that serves, else the socket) ── shim
//
// The files belong to the sandbox user, as whom the App runs as well. A hostile App may have
// written them: every read is bounded, follows no link and opens nothing but regular files, and
// each field is checked.
//
// Version rule: fields may be added, and readers ignore those that they do not know, because a shim
// outlives the agent that started it, across updates and rollbacks. A Request does not cross
// releases: a shim would not do what it does not know in a Launch, so an agent starts the shim of
// its own release. They may differ only while a package is replaced under a running agent; then a
// job without what is new is better than no job.
package spec
