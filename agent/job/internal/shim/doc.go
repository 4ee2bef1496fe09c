// Package shim is the supervisor of one job: the body of "tcenvsvr job-shim".
//
//	stdin: Request ─► begin the world ─► claim the folder ─► socket, files ─► stdout: Reply
//	                                           │ taken: end, nothing started         ▼
//	                                           │              end ◄── stdin: Go? ──► execute the App ─► stdout: Reply
//	                                           ▼           "given up"                     ▼
//	                                        state "starting"                        state "running"
//
//	           App ends ────────────► something of it lives? ─ no ───────────────────────┐
//	              ▲                     │ yes: Keep remembered, TERM, 2 s, KILL           ▼
//	 running ─────┤                     └──────────────────────────────────────────► nothing lives
//	              ▼                                                                       │
//	           cancel, timeout ─► TERM to all ─ grace ─► KILL, again and again ───────────┤
//	                                                                                      ▼
//	          outputs and logs closed, Keep as it was, files removed, Exit written, told ─► next Request,
//	                                                                                    or fsynced, end
//
//	requests.go    what the agent sends
//	serve.go       one job after the other, and why that is safe
//	folder.go      the claim of a job's folder, the state, and the record of the exit
//	supervisor.go  the life of a job until nothing of it lives
//	tree_*.go      the App and all that descends from it; fork_unix.go: which thread is its parent
//	world_linux.go the world of an isolated App; unborn_linux.go: the inits of worlds to come
//	warm_linux.go  an App that a template forks
//	limits.go      what the App may take, and whether the kernel ended it for memory
//	server.go      the socket by which agents wait and cancel
//	output.go      what is kept of the outputs; logs.go: of the logs; keep.go: of other files
//	reap_unix.go   the end of a job whose shim was lost; sweep_linux.go: of what belongs to no job
//	service.go     the talk of a service App with its agent, and the program that has it
//	asuser.go      other requests that start nothing
//
// Go makes "at most once" true: the agent sends it when the start is noted durably, and an agent
// that died has not sent it. The claim, one link(2) of the state file, keeps two shims out of one
// folder.
//
// The shim shares nothing with the agent once it has answered, but for the pipes by which a serving shim
// gets its next job: it has its own session and its own working directory, and an agent that dies or hangs
// holds up no job. On Linux it is its App's subreaper, so everything that the App starts, however it detaches
// itself, descends from the shim; when the shim has no children, nothing of the job lives. (Of an App with a PID
// namespace nothing lives when its init has ended; inits of other worlds may wait beside that.) If the record of the
// end cannot be written, the shim keeps it until the agent has noted it; the agent finds the shim also without the
// folder.
//
// If the shim itself is killed, the kernel kills the App (the parent-death signal), and reap ends
// what the App had started, as far as that can be recognised. What hides is found by sweep: it is
// what descends, in the agent's control group, neither from the agent nor from a living shim.
//
// The App runs as the same user and so can end its shim or rewrite its files. Only separate users
// would prevent that; an App can harm nothing but the result of its own job by it.
package shim
