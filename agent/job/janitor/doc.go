// Package janitor makes the folders of jobs and takes the old ones away.
//
//	Make ─► <session>/{in,out,log,tmp,shim} ─► job ─► result acknowledged ─► old ─► .trash-<session> ─► gone
//
// Folders are group-writable for the sandbox user (default ACLs of exchange/jobs say
// who that is), and what the sandbox user makes in them is not ours to delete: an App may leave a
// folder of mode 0700. So removal tries as the agent first and then has
// the sandbox user remove its own. A folder that is on its way out has left its name first, so
// that nobody takes a half for a whole, and what could not go stays on the list for the next sweep.
//
// What finished jobs take of the disk is bounded (room.go): the oldest go first, those whose result
// the cloud does not have never.
//
// A Guest is a session that nobody ordered: `tcenvsvr app run`. It holds a lock as long as its process
// lives, so that whoever comes later knows which folders are nobody's any more.
package janitor
