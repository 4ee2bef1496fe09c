package journal_test

import (
	"encoding/json"
	"fmt"
	"os"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
)

// The life of one order in the journal, across a restart of the agent.
func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ref := wire.Ref{Order: "order-1", Attempt: 1}

	j, err := journal.Open(dir, nil)
	if err != nil {
		panic(err)
	}
	fresh, _ := j.Accept(journal.Entry{Order: wire.Order{Ref: ref}})
	again, _ := j.Accept(journal.Entry{Order: wire.Order{Ref: ref}})
	fmt.Println("fresh:", fresh, "and again:", again)
	_ = j.Starting(ref, json.RawMessage(`{"shim_pid":4711}`), nil) // before the App is executed
	_ = j.Close()                                                  // the agent crashes

	j, err = journal.Open(dir, nil)
	if err != nil {
		panic(err)
	}
	defer j.Close()
	e, _ := j.Get(ref)
	fmt.Println("it may have run:", e.State)
	_ = j.Finish(wire.Result{Ref: ref, Outcome: wire.Succeeded}) // in the outbox
	e, _ = j.Get(ref)
	fmt.Println("to be delivered:", e.Result.Outcome)
	_ = j.Forget(ref) // the cloud has acknowledged it
	fmt.Println("left:", len(j.Entries()))
	// Output:
	// fresh: true and again: false
	// it may have run: running
	// to be delivered: succeeded
	// left: 0
}
