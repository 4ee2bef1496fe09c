package space_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"tcenvsvr/agent/disk/space"
)

// Before a large download.
func ExampleCheck() {
	fmt.Println(space.Check(os.TempDir(), 1))
	err := space.Check(os.TempDir(), 1<<62)
	said, where, _ := strings.Cut(err.Error(), ",")
	fmt.Println(errors.Is(err, space.ErrFull), said, strings.HasSuffix(where, fmt.Sprintf("MiB free at %q", os.TempDir())))
	// Output:
	// <nil>
	// true not enough free space on the disk: 4398046511104 MiB needed true
}
