// Package leftover makes sure that a refusal is heard. Most HTTP clients, Python's among
// them, send the whole body before they look for an answer. A server that answers early and
// closes makes them fail in mid-body with a broken connection, and they never
// see that it said 403 or 413.
//
//	request ──► handler ── answers early ──► the answer is sent, with its length
//	                                              │
//	        body ──► read and thrown away ◄───────┘  up to MaxBytes, MaxTime, Pause
//	                     │
//	                     ├─ its end ──► the connection serves the next request
//	                     └─ a bound ──► the connection is closed
//
// A client that asked first (Expect: 100-continue) is not told to go on: it
// has sent nothing that could be in the way.
package leftover
