// Package record is one execution's record and its state machine: pure
// functions, no clock and no storage, so that each rule of the life of an
// order can be read and tested in one place.
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
// An order that was certainly not started goes back as often as that takes.
// Interrupted becomes queued again for a retryable order, as often as
// allowed. An order somebody wants cancelled is never queued again. The record
// carries the order's secret inputs until it ends and not a moment longer.
package record
