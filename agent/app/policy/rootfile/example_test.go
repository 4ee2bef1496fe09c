package rootfile_test

import (
	"errors"
	"fmt"
	"io/fs"

	"tcenvsvr/agent/app/policy/rootfile"
)

func Example() {
	_, err := rootfile.Read("/nowhere/policy.yaml", 1<<20, nil)
	fmt.Println(errors.Is(err, fs.ErrNotExist), errors.Is(err, rootfile.ErrUnsafe))
	// Output: true false
}
