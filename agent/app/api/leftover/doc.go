// Package leftover makes sure that a client sees why its request was refused. Most HTTP clients,
// Python's among them, send the whole body before they read the answer. If a server answers early
// and closes, they fail in mid-body with a broken connection and never see the 403 or 413.
//
//	request ──► handler ── answers early ──► the answer is sent, with its length
//	                                              │
//	        body ──► read and thrown away ◄───────┘  up to MaxBytes, MaxTime, Pause
//	                     │
//	                     ├─ its end ──► the connection serves the next request
//	                     └─ a bound ──► the connection is closed
//
// A client that asked first (Expect: 100-continue) gets no 100: it has sent no body that would have
// to be read.
package leftover
