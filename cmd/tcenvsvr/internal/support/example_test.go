package support_test

import (
	"fmt"

	"tcenvsvr/cmd/tcenvsvr/internal/support"
)

func ExampleRedactor_Redact() {
	r := support.NewRedactor("p@ssw0rd")
	fmt.Println(r.Redact("dialing through user:p@ssw0rd@proxy:3128"))
	fmt.Println(r.Redact("Authorization: Bearer abcdef"))
	// Output:
	// dialing through user:[redacted]@proxy:3128
	// Authorization: [redacted]
}
