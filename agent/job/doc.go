// Package job runs Apps: one process tree per job, under a shim that outlives the agent.
//
//	agent: Executor ── Runner: sudo, socket or none ────────► shim ──► App and all it starts
//	          │  Launch on stdin, its Status back on stdout,    │
//	          │  Go on stdin, "started" back                    │
//	          │                                                 ├─ DIR/shim/state, exit
//	          └─ Process: Wait, Cancel ── DIR/shim/sock ────────┤
//	                                      live reading ─────────┴─ DIR/shim/stdout, stderr, log
//
// The agent side of the life of a job:
//
//	          Start ─── *StartError: nothing runs, nothing will
//	            │
//	            ▼                                   ┌─ Exit: the App ended, nothing of it lives
//	         Process ── Wait ───────────────────────┤
//	            ▲                                   └─ Exit{Reason: ReasonShimLost}: the outcome is unknown,
//	agent died; │                                      what was left has been ended
//	the next:   │
//	          Attach ── ErrNotRunning: ReadExit has the Exit; if not, the shim is lost: Reap, Sweep
//
// A Runner is how a shim becomes the sandbox user: Sudo runs "sudo -n -u
// tc-job", Socket has systemd start tc-job@.service, Direct stays who the
// agent is. Whatever is to be done as that user is a request to a shim: start, reap, clear, read.
//
// The shim is of the agent's own release, so that it knows all that a Launch asks. Only what
// outlives an agent crosses releases: Status and Exit, of which a reader ignores what it does not
// know (package spec).
//
// Executor.Run keeps a spare shim waiting, which takes the start of a process, and of
// sudo, out of the way from an order to its App.
//
// A job's folder serves one start. Nothing is executed before the agent, which must live for that,
// has noted the start and says Go: a shim that is late, or whose agent died, starts nothing behind anybody's
// back and records that (ReasonGivenUp). What is written down of a job holds in its own folder only, not in a copy (package place).
//
// What an App leaves behind when it ends is ended after it, and may write until then: as
// forked processes inherit a handler of TERM, many do. The files of Launch.Keep
// are afterwards as the App itself had left them; any others, and its outputs, are what
// all of the job made of them. What it writes into files of Launch.Logs is gathered in one output.
//
// What runs is told by threads: a process whose first one has ended looks like a zombie, and an App
// may make itself look so. What an App writes in the shim's place is believed where it tells of
// its own end, never where something would be started again for it.
//
// A Launch that is Tied ends with whoever waits for it, however that ends: it is a
// command's in the foreground, not an order's.
//
// Secrets travel by stdin and in Launch.Files only. They are in no argv, no
// environment but the App's own, no file but Launch.Files, and no error.
//
// What tells who a process is and who listens on a socket differs by system:
// package proc and package sock below internal say what is known where. On Linux all promises hold. On macOS and other Unix
// a descendant that leaves the App's session is not found. On Windows a Job Object holds the tree.
package job
