// Package janitor makes the folders of jobs and removes the old ones.
//
//	Make ─► <session>/{in,out,log,tmp,shim} ─► job ─► result acknowledged ─► old ─► .trash-<session> ─► gone
//
// Folders are group-writable for the sandbox user (default ACLs of exchange/jobs name it). The
// agent cannot always delete what the sandbox user makes in them: an App may leave a folder of mode
// 0700. So the agent removes what it can, and then the sandbox user removes its own. A folder is
// renamed before it is removed, so that nobody takes a half-removed folder for a whole one; what
// could not be removed is tried again by the next sweep.
//
// Some folders wait for their orders below .spare-…, where no App can enter ([Spares]).
//
// The space that finished jobs take on the disk is bounded (bounds.go): the oldest folders go
// first, and those whose result the cloud does not have never go.
//
// Sessions of the agent's own, a [Probe] or a [Build], are removed by who made them; a sweep
// removes those that a crash left.
//
// A [Guest] is a session without an order: "tcenvsvr app run". It holds a lock as long as its
// process lives, so that later runs and the agent know which folders are garbage (guest.go).
package janitor
