// Package isolation gives an App a world of its own, without root and without containers.
//
// The first process of new user, PID, mount and IPC namespaces, the init, builds the world, gives
// up every right to change it, and then starts the App:
//
//	shim ──clone──► init, PID 1 of the App's world ──fork──► App and all it starts
//	  │ steps ──────────►│ mounts, then no capabilities,          │
//	  │◄──── started ────│ no_new_privs, Landlock, seccomp        │
//	  │◄──── ended ──────│◄───────────── exit ────────────────────┘
//	  │◄──── gone ───────┘ when nothing lives in there any more
//
// The App is the same user inside and outside (a map of one id). What it sees:
//
//	/                       the host's, with the host's permissions
//	the agent's home        empty, but for the job's folder, and what the Plan shows read-only
//	the job's shim folder   empty: state, exit and socket are the shim's
//	/tmp, /var/tmp          the job's own tmp folder
//	/dev/shm                its own, with nothing but its parameters in it, which are on no disk
//	/dev/mqueue, /dev/pts   empty and its own
//	/proc                   its own processes only
//	/run/user, …            empty: no user manager, no sockets of the agent's
//
// The init is a copy of the shim with one thread and without a Go runtime, because starting one would take
// three times what all the rest takes; and without Go's heap and the program's variables, because copying those
// would take as long as all the rest. It can be made before there is an App: it waits in its namespaces
// (build_linux.go). The shim works out which system calls build the world (steps_linux.go, world_linux.go), and puts
// them, with all that they need and two stacks, into memory that both have (memory_linux.go); the App's outputs come
// with the word to begin. The init takes the steps one after the other, waits for the next word, has the App executed
// and reaps (born_linux.go). The process that becomes the App has the init's memory until then, on the second stack,
// so that nothing is copied once more.
// What is in that memory nobody can look into: init and shim are not "dumpable", and their address spaces belong to
// the user namespace of the shim, in which neither the App nor another process of its user has any right.
//
// An App that starts by the fork of a template has a world of the same kind, whose init the template's init
// makes in the shim's place, and which executes nothing (package warm):
//
//	template's init ──clone──► init ── "f", namespaces ──► fork server, go-between ──fork──► App
//	      │◄───── pidfd ─────────│◄───────────── "r", the kernel says who ───────────────────┤
//	      │                      │                                                           │
//	      │◄───────────────── exit, because it becomes the parent ───────────────────────────┘
//	      │── how it ended ─────►│
//	      │◄─ ended, gone ───────┘
//
// When the init dies, by the shim's death, too, the kernel ends everything in its world: nothing
// of the App survives its job.
//
// How much of this a host allows differs ([Level]); the shim finds it out by trying.
package isolation
