package twin_test

import (
	"fmt"
	"time"

	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// A clone says hello while the original's session is alive: it is refused until an administrator chooses.
func ExampleConflict() {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	original := twin.Host{ID: "a1", Name: "scanner", Address: "10.0.0.1:4711"}
	clone := twin.Host{ID: "b2", Name: "scanner", Address: "10.0.0.2:4712"}

	var known *twin.Conflict
	c, changed := known.AddProof(original, clone, now)
	fmt.Println(changed, c.Excludes(clone, now), c.Excludes(original, now))
	kept, _ := c.Keep("b2", now)
	fmt.Println(kept, c.Excludes(clone, now), c.Excludes(original, now))
	// Output:
	// true true false
	// scanner (10.0.0.2:4712) false true
}
