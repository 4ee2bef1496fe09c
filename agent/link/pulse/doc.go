// Package pulse tells whether a loop goes round. The loop promises, before
// each step, to be back within a time that the step cannot exceed unless it is stuck; whoever
// watches asks whether the promise was kept.
//
//	for {
//		p.Within(waiting + margin)   // back by then, or something is wrong
//		…
//	}
//
// A loop that waits long for good reason promises long; one that is blocked for
// ever, in a deadlock or a system call that does not return, is late. The service
// manager's watchdog depends on it.
package pulse
