package space_test

import (
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/disk/space"
)

// Before a large download.
func ExampleCheck() {
	fmt.Println(space.Check(os.TempDir(), 1))
	fmt.Println(errors.Is(space.Check(os.TempDir(), 1<<62), space.ErrFull))
	// Output:
	// <nil>
	// true
}
