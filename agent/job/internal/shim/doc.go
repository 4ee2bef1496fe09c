// Package shim is the supervisor of one job: the body of "tcenvsvr job-shim".
//
//	stdin: Request ─► claim the folder ─► files, outputs, socket ─► execute the App ─► stdout: Reply
//	                     │ taken: end, nothing started                     │
//	                     ▼                                                 ▼
//	                  state "starting"                               state "running"
//
//	           App ends ────────────► something of it lives? ─ no ───────────────────────┐
//	              ▲                     │ yes: Keep remembered, TERM, 2 s, KILL           ▼
//	 running ─────┤                     └──────────────────────────────────────────► nothing lives
//	              ▼                                                                       │
//	           cancel, timeout ─► TERM to all ─ grace ─► KILL, again and again ───────────┤
//	                                                                                      ▼
//	          outputs and logs closed, Keep as it was, files removed, Exit written, told, fsynced
//
// The claim makes "at most once" true: it is one link(2) of the state
// file, which either the shim or an agent that gave the job up can make, never both.
//
// The shim shares nothing with the agent once it has answered: own session,
// own working directory, /dev/null for its three descriptors. On Linux it is
// its App's subreaper, so whatever the App starts, however it detaches itself, is
// the shim's descendant, and waiting until there are no children is waiting until
// nothing lives. If the shim itself is killed the kernel kills the App (the parent-death signal), and
// Reap ends what the App had started.
//
// The App runs under the same user and so can end its shim or rewrite its files. Against
// that only separate users help; here it can merely harm its own job's result.
package shim
