// Package slot is the root side of self-update: it decides which program is started, and it alone
// writes programs. It has no network, starts nothing, and believes nothing that the agent hands
// over (package handover).
//
//	select.go     Select, before every start: chooses candidate, active, previous or baseline, counts
//	              the start of a candidate durably, and checks the program that it chooses
//	activate.go   makes the chosen program the running one, by pointing the links at it
//	apply.go      Apply, when the agent requests it: verifies the release in the inbox, writes it into
//	              the slot that nothing runs from, and makes it the candidate
//	refuse.go     which releases Apply refuses, and why
//	verify.go     the verification of signed metadata by root's own trust
//	probation.go  Bless, when the agent says that it is healthy: the candidate becomes active. Ended,
//	              after every end: whose fault it was
//	admin.go      Rollback, Hold, Resume, Retry, Pin: the administrator's
//
//	state    what root remembers, and how one state follows from another
//	install  writes a program durably where nothing runs from
//	launch   calls all of this where no service manager does
//
// Select does not fail because of an update, or because the disk does not let it write. Then it
// starts what was active: a candidate whose start cannot be counted is not started.
//
// There are two links. The service starts the agent by tcenvsvr. The unit tc-job@.service starts
// the shim of a job by tcenvsvr-shim, which points at the package's small program or, as a release
// is one file, at the release itself, which is a shim when it is called by that name. So agent and
// shim are always of one release. Before the first Select, tmpfiles.d makes the second link.
//
// One process at a time changes the state (lock.go). Select waits a little for the lock and then
// goes on without writing: an update that hangs does not keep the agent down.
//
// The agent may not read root's folder. What it and "tcenvsvr update status" may know is in the
// status file beside the link.
package slot
