// Package record is one execution's record and its state machine: pure functions without a clock
// and without storage, so that each rule of an order's life can be read and tested in one place.
//
//	          Deliver              Accept          Progress           Finish
//	queued ───────────► delivered ───────► accepted ──────► preparing ─► running ──► outcome
//	  ▲  │                  │                 │  Grant allows a held one to start         ▲
//	  │  └ Stop, Expire ────┼─────────────────┼───────────────────────────────────────────┤
//	  └──── Requeue ────────┘ refused,        │ recalled, given back,                     │
//	       attempt + 1        missing         │ held and lost      Missing, Gone ─────────┘
//	                                          │                    (interrupted)
//
// What becomes of an order whose server cannot be asked:
//
//	                        | not in the server's hello | away longer than the lease
//	delivered               | queued again              | interrupted
//	held, not granted       | queued again              | queued again
//	accepted … running      | interrupted               | interrupted
//
// An order that certainly was not started is queued again without a limit. An interrupted order is
// queued again if it is retryable, as often as allowed. An order that somebody asked to cancel is
// never queued again. The record has the order's secret inputs until it ends, and no longer.
package record
