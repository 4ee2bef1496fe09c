package record_test

import (
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// An order is delivered, its server never comes back, and a retryable one gets another attempt.
func ExampleRecord() {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	r := &record.Record{Execution: record.Execution{ID: "o1", State: wire.StateQueued, Attempt: 1, Retryable: true}}
	show := func() { fmt.Println(r.State, "attempt", r.Attempt) }

	_ = r.Deliver(1, "server-1", 7, "journal-a", now)
	_ = r.Accept(r.Ref(), "server-1", false, now)
	_ = r.Progress(r.Ref(), "server-1", wire.StateRunning, now)
	show()
	r.Gone(90*time.Second, 5, now.Add(2*time.Minute))
	show()

	// A result of the first attempt comes too late.
	late := &wire.Result{Ref: wire.Ref{Order: "o1", Attempt: 1}, Outcome: wire.Succeeded}
	fmt.Println(r.Finish(late, "server-1", 5, now.Add(3*time.Minute)))
	// Output:
	// running attempt 1
	// queued attempt 2
	// the record has moved on
}
