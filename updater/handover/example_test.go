package handover_test

import (
	"fmt"
	"os"

	"tcenvsvr/updater/handover"
)

// The agent requests; root consumes the request before it acts on it.
func Example() {
	inbox, err := os.MkdirTemp("", "inbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(inbox)
	if err := handover.Ask(inbox, handover.RequestApply); err != nil {
		fmt.Println(err)
		return
	}

	box, err := handover.OpenInbox(os.TempDir(), inbox, os.Getuid())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer box.Close()
	fmt.Println(box.Consume(handover.RequestApply))
	fmt.Println(box.Consume(handover.RequestApply))
	// Output:
	// true <nil>
	// false <nil>
}
