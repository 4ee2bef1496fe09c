// Package fitness knows whether this host can run Apps now.
//
//	      an order could not be started, or a look found something
//	fit ───────────────────────────────────────────────────────────► unfit: no order is taken
//	 ▲                                                                  │
//	 └──── look and probe went well ◄── tried after 1, 2, 4 … 10 s ◄────┘
//
// A look is cheap and made every few seconds, also while all is well. A probe makes all that the
// start of an App needs, a process as well. One that does not come back is a
// problem itself: a frozen file system answers nothing, and no error comes either.
//
// What is wrong is named by a code, which status, the log and the cloud show.
package fitness
