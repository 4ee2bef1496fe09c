// Package slot is the root side of self-update: it decides which program is
// started, and is the only one that writes programs. It has no network,
// starts nothing, and reads no words of the agent (package inbox).
//
//	Select    before every start: counts the start of a candidate, durably, checks the program
//	          it chooses, and points the links at it. candidate → active → previous → baseline
//	Apply     when the agent asks: checks the release in the inbox again with root's own trust, writes
//	          it into the slot that nothing runs from, and makes it the candidate
//	Bless     when the agent says it is healthy: the candidate becomes active
//	Ended     after every end: whose fault it was
//	Rollback, Hold, Resume, Retry, Pin   the administrator's
//
// Select never fails for what an update did, or for what the disk does not
// let it write: then it starts what was active, because a start that
// could not be counted must not be one of a candidate.
//
// There are two links. The agent is started by tcenvsvr; tc-job@.service starts the shim of a
// job by tcenvsvr-shim, which leads to the package's small program or, as a release is one
// file, to the release itself, which is a shim when it is called so. So agent and shim are always
// of one release. Before the first Select, tmpfiles.d has made the second link.
//
// One process changes the state at a time (a lock file). Select waits a
// little for it and then goes on without writing: an update that hangs
// does not keep the agent down.
//
// The agent may not read root's folder; what it, and `tcenvsvr update
// status`, may know is in the status file beside the link.
package slot
