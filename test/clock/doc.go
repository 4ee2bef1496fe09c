// Package clock moves the clock of programs under test, and nobody else's.
//
//	go build -overlay OVERLAY ─► PROGRAM ── reads at each time.Now ──► PROGRAM.clock
//	                                                                       ▲
//	                                                          Set(PROGRAM, offset)
//
// The overlay is the time package of the Go that builds, whose Now adds what a file beside the
// program says. All that a program links goes through it: certificates, the store, tokens. The
// monotonic clock, timers and the times of files stay the host's, as they do when an administrator
// sets a clock (but that a file written afterwards gets the host's time).
package clock
