// Package clock knows when the host's clock was set. Durations are measured by the monotonic clock
// and do not need it. Times in files, certificates and messages are wall time, and are wrong while
// the clock is.
//
//	             every second: wall clock against monotonic clock
//	Watch.Run ──────────────────────────────────────────────────► a step forward
//	                                                              or back, or a
//	                                                              host that slept
//	            └► stepped(by)     try again, log it, ask the other side
//	            └► Steady() = 0    nothing is removed for its age until the
//	                               clock has stood for a while
//
// The clocks are polled because that works on every system; only one system could report the step
// itself, and only a second earlier.
//
// A time that was written down cannot be true if it is before [Epoch], when this program did not
// exist, or in the future ([True]).
package clock
