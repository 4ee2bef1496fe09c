// Package jobs runs Apps by a schedule and remembers what they left for their next run.
//
//	       schedule, demand                      an order like any other
//	Job ──────────────────► Run ── "intended" ──► dispatcher ──► agent ──► App
//	 ▲                       │ written first                                │
//	 │                       ▼                                              │
//	 └─ results.tc ◄── State: run, history, what was left ◄── its end ──────┘
//
// A Job is what an operator asked for, a [State] is what became of it: two values in the bucket
// [Bucket] that all gateways share. One of the gateways at a time looks after the Jobs (package lease); a
// write over a State that another one has changed fails, so that two which both think so cannot do
// both. One whose clock is to be trusted takes over from one whose clock is not.
//
// A run is written down before its order is made, and the order's id follows from Job, due time
// and try. So a run that was written down is started, also by the successor of a gateway that died
// in between, and it is started once: the dispatcher takes an id once only. Where the clock goes
// back, a due time that was decided is not decided again.
//
// A run begins when the one before has ended; what comes due meanwhile is skipped, and the history
// says so. What came due while no gateway ran is skipped, or made good by one run. A run that failed
// is tried again, as often and after the delay that the Job says, unless the App ended with exit
// code 4 (never again) or somebody stopped it.
//
// What a run left in results.tc is stored in the same write as its end, and overrides the Job's
// parameters from then on. What is kept is bounded (state.go): a State is one message to the store.
// What an operator changes of it is stored with the Job, in one write with all else ([Edit]), and counts
// at once. Failures and missed runs are told afterwards (notify.go), for three hours until the receiver
// takes them; after a crash it may get one twice. A receiver is a URL, or the program that whoever
// starts the gateway has named (command.go).
//
// Parameters may be sealed (package secret/envelope): for the Job, which the order's id names, and for
// one package.
package jobs
