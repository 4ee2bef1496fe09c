// Package bytecode compiles the Python sources of an installed App once, so that not each run
// compiles them again: Python may not write into the App's folder.
//
//	              the sandbox user, isolated                    the agent's user
//	sources ─────► compile.py ─► 0.pyc, 1.pyc, … ─► verify ─► stage ─► record ─► __pycache__/x.<tag>.pyc
//	read-only        │                              header.go         record.go  set.go
//	                 └ workers: nice 19; one that dies of a source is replaced behind it
//
// # Who is believed
//
// The compiler sees hostile sources, and a fault in it may make it theirs. So it runs as a job like
// an App: as the sandbox user, in isolation, with the App's folder read-only, in an empty folder
// and without anything of the App in its path, bounded in time, memory and output (compiler.go). It
// is given sources by number and answers by number: no name is the compiler's. The agent takes
// plain files of a sensible size and checks their header: the magic number that the interpreter
// gave when it had seen no source, flags that say that Python need not compare it with its source
// again, and the hash of the source, computed here. So bytecode cannot be exchanged between sources
// by mistake. What the code in it does is the compiler's word: an App that subverts its compiler
// has changed its own bytecode, as it could have changed its own sources. It cannot change another
// App's, because each has its own job, and nothing is compiled where jobs of one user could reach
// each other's files ([build.ErrExposed]).
//
// # What is compiled
//
// All sources that a folder of the App has, wherever it is imported from: deps, lib_*, nested and
// namespace packages, and the App's own. What does not compile (Python 2, damaged, too large) is
// left to Python, which says why when it is imported. Archives in an App are not looked into.
// Bytecode that the package brought stays if Python uses it; that which Python would pass over, as
// it does when the time of the source is another, is replaced. Compiled for an interpreter means:
// for this file with this size and time. An update of its package compiles the App again.
//
// # What is recorded
//
// A [Record] lists all bytecode in an installation. It is written before the first file gets its
// name and once more when all have theirs. What is not in it, or not as it says, is removed before
// an App is started ([Mend]): an App does the same without it.
//
// On systems without isolation (macOS, Windows) the compiler runs as Apps do there, as the agent's
// own user. Where there is no fork it compiles one source after the other.
package bytecode
