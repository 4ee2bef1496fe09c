// Package shim is the supervisor of one job: the body of "tcenvsvr job-shim".
//
//	stdin: Request ─► claim the folder ─► files, outputs, socket ─► stdout: Reply
//	                     │ taken: end, nothing started                     ▼
//	                     │                              end ◄── stdin: Go? ──► execute the App ─► stdout: Reply
//	                     ▼                           "given up"                     ▼
//	                  state "starting"                                        state "running"
//
//	           App ends ────────────► something of it lives? ─ no ───────────────────────┐
//	              ▲                     │ yes: Keep remembered, TERM, 2 s, KILL           ▼
//	 running ─────┤                     └──────────────────────────────────────────► nothing lives
//	              ▼                                                                       │
//	           cancel, timeout ─► TERM to all ─ grace ─► KILL, again and again ───────────┤
//	                                                                                      ▼
//	          outputs and logs closed, Keep as it was, files removed, Exit written, told, fsynced
//
// Go makes "at most once" true: the agent says it when the start is noted durably, and an agent that
// died has not said it. The claim, one link(2) of the state file, keeps two shims out of one folder.
//
// The shim shares nothing with the agent once it has answered: own session,
// own working directory, /dev/null for its three descriptors. On Linux it is
// its App's subreaper, so whatever the App starts, however it detaches itself, is
// the shim's descendant, and waiting until there are no children is waiting until
// nothing lives. A record of the end that the disk does not take is kept until the agent has noted it, which
// finds the shim without the folder, too. If the shim itself is killed the kernel kills the App (the parent-death signal), and
// reap ends what the App had started, as far as it tells of itself. What hides is found by sweep: in the agent's
// control group it is what descends neither from the agent nor from a living shim.
//
// The App runs under the same user and so can end its shim or rewrite its files. Against
// that only separate users help; here it can merely harm its own job's result.
package shim
