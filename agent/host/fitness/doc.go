// Package fitness knows whether this host can run Apps now.
//
//	      an order could not be started, or a look found something
//	fit ───────────────────────────────────────────────────────────► unfit: no order is accepted
//	 ▲                                                                  │
//	 └──── look and probe went well ◄── tried after 1, 2, 4 … 10 s ◄────┘
//
// A look is cheap and is made every few seconds, also while all is well. A probe makes everything
// that the start of an App needs, a process included. A probe that does not return is a problem
// itself: a frozen file system gives no answer, not even an error.
//
// Each problem has a code, which status, the log and the cloud show.
package fitness
