package delta_test

import (
	"bytes"
	"fmt"

	"tcenvsvr/updater/delta"
)

func Example() {
	old := bytes.Repeat([]byte("a long program, version 1.4.1; "), 1000)
	next := bytes.ReplaceAll(old, []byte("1.4.1"), []byte("1.4.2"))

	d, err := delta.Make(old, next)
	if err != nil {
		fmt.Println(err)
		return
	}
	rebuilt, err := delta.Apply(old, d, int64(len(next)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bytes.Equal(rebuilt, next), len(d) < len(next)/10)
	// Output: true true
}
