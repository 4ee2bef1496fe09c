// Package job runs Apps: one process tree per job, under a shim that outlives the agent.
//
//	agent: Executor ── Runner: sudo, socket or none ────────► shim ──► App and all that it starts
//	          │  Launch on stdin, its Status back on stdout,    │
//	          │  Go on stdin, "started" back, its Exit back     │
//	          │                                                 ├─ DIR/shim/state, exit
//	          └─ Process: Cancel; Wait of the next agent ───────┤
//	                                 the shim's socket          │
//	                                      read while it runs ───┴─ DIR/shim/stdout, stderr, log
//
// The agent's side of the life of a job:
//
//	          Start ─── *StartError: nothing runs, and nothing will
//	            │
//	            ▼                                   ┌─ Exit: the App ended, nothing of it lives
//	         Process ── Wait ───────────────────────┤
//	            ▲                                   └─ Exit{Reason: ReasonShimLost}: the outcome is unknown,
//	agent died; │                                      what was left has been ended
//	the next:   │
//	          Attach ── ErrNotRunning: ReadExit has the Exit; if not, the shim is lost: Reap, Sweep
//
// A [Runner] is how a shim becomes the sandbox user: [Sudo] runs "sudo -n -u tc-job" (sudo.go),
// [Socket] has systemd start tc-job@.service, [Direct] stays the agent's user. Everything that must
// be done as the sandbox user is a request to a shim: start an App, reap, clear, read
// (requests.go).
//
// The shim is of the agent's own release, so that it understands everything in a [Launch]. Only
// what outlives an agent crosses releases: [Status] and [Exit]. Their readers ignore fields that
// they do not know (package spec).
//
// [Executor.Run] keeps shims waiting (pool.go): then an order does not wait for the start of a process,
// of sudo or of a service. A shim whose job has ended waits for the next one where nothing of the job
// can be left (package shim says why that is as safe as a new shim); where it cannot, as many shims
// are started ahead as are used up while one starts. Where none waits, the order waits for the next,
// and starts its own only if that takes long. A shim serves for ten minutes at most, and has the init of
// the next App's world made while it waits.
//
// # What a trivial job takes
//
// Processor time, in milliseconds, on two busy cores of 2026 (a third less on idle ones); the App is
// /bin/true, and the folders are in memory. In brackets when an init was a copy of all of its shim.
//
//	                          not isolated    isolated
//	agent                      0.3 (0.3)      0.3 (0.4)   encoding, three pipes' words, reading the end
//	shim                       1.3 (1.9)      1.8 (3.6)   files, sockets, outputs, records; isolated: a copy of little
//	                                                      but its program, and the list of calls
//	init                       –              1.0 (1.7)   namespaces, mounts, capabilities, filter
//	App                        0.8 (0.8)      0.8 (1.0)   its execution
//
// On a disk each file that is made or removed costs more, and most where many were removed in the last minutes
// (ext4 gives none of their inodes to another file, and looks at each of them): a shim makes one file, and one
// more for each output that there is.
//
// A start is three words and their answers; each waits for nothing but the disk (StartNoted's note), the
// building of the world, which goes on meanwhile in namespaces that are there already, and the execution. Nothing is synced by a shim whose
// agent has heard of the end.
//
// # Limits
//
// What one App takes can be limited where the shim's user has a control group of version 2 that was
// delegated to it: under tc-job@.service, and in a service of a user's own systemd with Delegate=yes
// and DelegateSubgroup=agent (package cgroup below internal). There [Limits] of memory, tasks and
// CPU hold for the App with all that it starts, from its first instruction on; its end is the end of
// all in the group. An App that the kernel ended for memory has [ReasonOutOfMemory].
//
// By sudo there is no such group. Then Limits.Processes, an rlimit, bounds all processes of the
// sandbox user together (on kernels since 5.14, of the world of an isolated App), and memory is not
// limited: an rlimit of address space stops Java, Go and Node long before they use memory, and one of
// data holds for each process alone. Such an App is the first that the kernel ends when the host has
// no memory left, and that is told by [ReasonOutOfMemory] as far as the host's counters show it: the
// App was killed, not by its shim, and the kernel had killed for memory while it ran. [Status] says
// why a limit of memory does not hold.
//
// # Promises
//
// A job's folder serves one start. Nothing is executed before the agent has noted the start, is
// still alive, and says Go. A shim that is late, or whose agent died, starts nothing and records
// that ([ReasonGivenUp]). What is recorded of a job holds in its own folder only, not in a copy of
// the folder (package disk/place).
//
// What an App leaves behind when it ends is ended after it. Such processes may write until then,
// and many do, because forked processes inherit a handler of TERM. The files of Launch.Keep are
// restored to what the App itself had left; other files, and the outputs, are what all of the job
// made of them. What the job writes into files of Launch.Logs is gathered in one output.
//
// A process counts as running as long as one of its threads runs: a process whose first thread has
// ended looks like a zombie, and an App may make itself look so. What an App writes in the shim's
// place is believed when it reports the App's own end, never when something would be started again
// because of it.
//
// A Launch that is Tied ends when the process that waits for it ends, in whatever way: it belongs
// to a command in the foreground, not to an order.
//
// Secrets travel by stdin and in Launch.Files only. They are in no argv, no environment but the
// App's own, no file but Launch.Files, and no error.
//
// # Isolation
//
// Launch.Isolation says what an App sees of the host: on Linux its shim starts an init in new
// namespaces, which builds the App's world and executes the App in it (package isolation below
// internal). [Executor.Probe] tries how far a host allows that.
//
// # Templates
//
// [Executor.StartTemplate] starts a job that has imported what a Python App bundles, and a Launch whose
// Warm names it is forked from that instead of being executed (package warm below internal). Whether
// it was says [Status]: a start that a template could not make is a cold one. Package app/templates
// decides which Apps have templates.
//
// # Services
//
// [Executor.StartService] starts the App of a service, whose shim has a broker for it (packages broker, spool and
// service below internal), and [Process.Talk] is the talk with it. The small shim program does not have the broker:
// it becomes tcenvsvr, which lies beside it, before it is told anything secret. Windows cannot do that and has no
// services ([NoServices]): its agents offer no places for them.
//
// Beside this package lies job/janitor, which makes the folders of jobs and removes old ones.
//
// # Systems
//
// Packages proc and sock below internal say how each system identifies processes and the listeners
// of sockets. On Linux all promises hold. On macOS and other Unix a descendant that leaves the
// App's session is not found. On Windows a Job Object holds the tree.
package job
