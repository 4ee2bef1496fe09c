// Package launch runs the program that package slot chooses where no service manager does
// both: unpacked from an archive, on macOS, on Windows, in the demo. It is the program
// that was installed, which no update replaces, and the parent of the one that works.
//
//	Select ─► start ─► while it runs: Apply and Bless when it asks ─► Ended ─┬─► Select …
//	                                                                         └─► the end
//
// All is done as one user: what root keeps from the agent where there is a package, nobody
// keeps from it here. What is started is verified all the same.
//
// An end that asks for a restart, or that is one of a release on trial, is followed by the
// next start at once; a program that keeps failing is started at growing intervals. One
// that ends well, or because of a signal that was passed on to it, is the end of Run.
package launch
