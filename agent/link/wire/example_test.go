package wire_test

import (
	"bytes"
	"fmt"

	"tcenvsvr/agent/link/wire"
)

// A message travels as one frame.
func Example() {
	var connection bytes.Buffer
	frame, err := wire.Encode(&wire.Accepted{Ref: wire.Ref{Order: "o-1", Attempt: 2}, Hold: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = wire.WriteFrame(&connection, frame)

	received, _ := wire.ReadFrame(&connection)
	fmt.Printf("%s\n", received)
	m, err := wire.Decode(received)
	switch m := m.(type) {
	case *wire.Accepted:
		fmt.Println(m.Ref, "is in the journal; hold:", m.Hold)
	default:
		fmt.Println(m, err)
	}
	// Output:
	// {"kind":"accepted","body":{"order":"o-1","attempt":2,"hold":true}}
	// o-1.2 is in the journal; hold: true
}
