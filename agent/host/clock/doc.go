// Package clock knows when the host's clock was set. A duration is measured by
// the monotonic clock and needs none of this; what stands in files, certificates
// and messages is wall time, and wrong while the clock is.
//
//	             every second: wall clock against monotonic clock
//	Watch.Run ──────────────────────────────────────────────────► a step, either
//	                                                              way, or a host
//	                                                              that slept
//	            └► stepped(by)     try again, say it, ask the other side
//	            └► Steady() = 0    nothing is removed for its age until the
//	                               clock has stood for a while
//
// A poll finds on every system what the kernel would tell on one, a
// second later.
//
// Two rules of who uses times that were written down: one before Epoch is not
// true, for this program is younger, and neither is one that lies ahead.
package clock
