// Package warm starts Python Apps by forking a process that has imported their libraries already.
//
// A template is a job of its own, for one version of one App: its Python has imported what the App
// bundles, never a module of the App itself, and waits. It runs in a world like an App's (package
// isolation) that shows it no job. Each order gets a world within the template's, and in that a fork
// of the template's Python:
//
//	          host                     the template's namespaces          the order's
//	┌──────────────────────────┐  ┌────────────────────────────────┐  ┌──────────────────┐
//	agent ─► template's shim ─────► template's init       Python    │  │                  │
//	              ▲               │  ▲      │               ▲ │     │  │                  │
//	              │ "order"       │  │      │ clone    "f"  │ │ fork│  │                  │
//	agent ─► order's shim ◄──────────┘      └───────────────┼─┼─────┼──┼─► order's init   │
//	              │     the world │                         └─┼─────┼──┼──────┘           │
//	              │               │                           ▼     │  │                  │
//	              │               │                       go-between┼──┼─► App            │
//	              │               └─────────────────────────────────┘  │    ▲             │
//	              └──── arguments, environment ─────────────────────────────┘
//
// Kernel's rules make it this shape. A process may join a user namespace that its own user made in
// its own namespace, without a capability, and a PID namespace only below its own: so the order's lie
// below the template's. The fork joins them as a process of one thread, drops what joining gave it,
// and forks once more, because a PID namespace is joined by children only. The go-between ends, and
// the App becomes a child of the template's init, which alone learns how it ended and tells the order's
// init. All else is as for a cold start, by the same code: the world's mounts, limits, control group,
// and the end of everything when the order's init ends. That init is no program but, as a cold start's, a
// copy of its maker with one thread and without Go (package isolation).
//
// # Order of a start
//
// The order's shim connects to the template's shim, says the key that both have from the agent, and that
// one hands the connection to its init. (An App is of the same user as a shim and can find the socket; who
// gives the order says what the world shows.) The template's init is told the world, and gets the outputs and
// both ends of a socket that the shim has made. It clones the order's init, which builds the world and sends
// its namespaces and one end of that socket to the Python. The fork binds itself (Landlock, the filter of
// system calls), says by the socket that it is there, and waits. The order's init hears it, and from the kernel
// the number that the fork has in the order's PID namespace: a process that is not in there has none, and gets
// nothing. Then the template's init tells the shim who the two are.
//
// The shim limits the fork and moves it into the order's control group. Only then, and only after the agent's
// Go, it gives arguments and environment to the fork, by its end of the socket: no process of the template has
// that any more, and no secret was ever in one. The fork says "go" when nothing but the App is left to do. One
// that lets go of the socket before has not started the App, and the shim starts it cold, in a world of its
// own. A fork that is silent once it was told may have started it: that is reported as any lost start is.
//
// From the first word on the template's init watches the connection: when the shim is gone, it kills the
// order's init, and with that the kernel all in the order's world.
//
// # The fork server
//
// forkserver.py runs where Python imports sitecustomize: before the program that is on its command
// line, which is the App's. In a fork it simply returns, and Python itself goes on to run that
// program as __main__: tracebacks, exit codes, atexit and __file__ are Python's own. It compares the
// process before and after the imports; one that has another thread, process, file, socket, shared
// memory, handler, environment, folder or locale than before is unfit, and the App starts cold.
//
// A fork takes sys.path, os.environ, working folder, umask and handlers as a fresh Python has them, and
// new random state. The template's PID is the highest that there is, because OpenSSL and others
// recognise a fork by its number, and numbers repeat in a namespace of an order's own.
//
// Before it serves, its memory is put into large pages (MADV_COLLAPSE, Linux 6.1 and later): a fork of 50 MB and
// its end then cost 0.8 ms in place of 4.1. Where the template itself writes between two forks its large pages are
// split again; of 40 MB about 10 stay large, which is 2 ms for each order, with its two forks.
//
// # The end
//
// When Python ends it takes all modules apart. In a fork that means to copy nearly all memory of the
// template, 7,000 pages of an App of 800 modules, and took more processor than all else. So a fork
// whose exit code is known ends where Python has let go of the first module. Until there all is
// Python's own doing: threads are waited for, atexit handlers called, outputs flushed, daemon threads
// stopped, sys.is_finalizing says so. What follows is done for what the App has made, while the modules
// are whole: garbage is collected; objects that libraries keep are told to __del__ or, generators and files,
// closed, so that nothing that was written is lost; then the C library's exit calls what others
// have registered there. Not done: Py_AtExit functions of extension modules, and the end of objects of C
// types that libraries keep (a database connection is closed by the kernel, and rolled back).
//
// The code is known where the program has run to its end or a SystemExit ends it: Python asks that for its
// code when nothing calls any more. (So SystemExit.code is an object of ours in a fork, and before Python
// 3.12 sys.exit is one that raises such an object at once.) After other errors, with daemon threads, or
// if an output cannot be flushed, Python ends as it would, with all modules, at a cold start's price.
//
// Per run of an App of 800 modules: 950 copied pages in the fork, 170 in the go-between, 90 in the template's
// init, 10 in the order's; 5,000 with Python's own end. The inits take 2.4 ms of the 8.8 that such a run costs in
// the template. (It cost 15 when the order's init was a Go program.)
//
// Of a cold start nothing is ours: an App of that size with bytecode, ten runs each in turn, took 344 ms of
// user time when it was started directly, and 352, 346, 324 and 352 with isolation off, filtered,
// files and full, with the same number of page faults. Its 10,600 system calls are the same but for the
// dozen by which it was started, with the same files opened; neither our environment nor the set of trusted CAs
// (26 ms to load, certifi's own 24) makes a difference. What an App's size costs the agent is the look at
// its files before the start (package seal).
//
// # What differs from a cold start
//
// The hash seed is the template's, for all orders of it; so is what libraries computed when they were
// imported. /proc/self/cmdline and environ are the template's. The App's parent is 0, not 1. Modules
// that its libraries import are loaded before its first line. A template is as trustworthy as its App:
// its libraries run in it as they would in each run, and see no other App and no job. Of the inits of its
// orders, which see the host until they have built their worlds, Landlock keeps it off: on a kernel without that
// there are no templates.
package warm
