// Package pulse tells whether a loop still makes progress. Before each step the loop promises to be
// back within a time that only a stuck step exceeds; a watchdog asks whether the promise was kept.
//
//	for {
//		p.Within(waiting + margin)   // back by then, or something is wrong
//		…
//	}
//
// A loop that waits long for a good reason promises a long time. One that is blocked for ever, by a
// deadlock or a system call that does not return, is late. The service manager's watchdog depends
// on it.
package pulse
