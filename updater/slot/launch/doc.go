// Package launch runs the program that package slot selects on hosts where no service manager does
// both: unpacked from an archive, on macOS, on Windows, in the demo. The launcher is the program
// that was installed, which no update replaces, and the parent of the one that works.
//
//	Select ─► start ─► while it runs: Apply and Bless when it asks ─► Ended ─┬─► Select …
//	                                                                         └─► the end
//
// One user does all of it. The agent could therefore change what the package keeps for root, but
// every program is verified before it is started all the same.
//
// After an end that asks for a restart, and after that of a release on probation, the next start
// comes at once. A program that keeps failing is started at growing intervals. A program that ends
// well, or because of a signal that was passed on to it, ends [Launcher.Run].
package launch
