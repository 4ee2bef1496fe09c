package store_test

import (
	"context"
	"fmt"
	"os"

	"tcenvsvr/cmd/tccloud/internal/store"
)

// What was written is there when the store is opened again.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	for _, value := range []string{"first", "second"} {
		s, err := store.Open(ctx, store.Config{Dir: dir + "/data"})
		if err != nil {
			fmt.Println(err)
			return
		}
		kv, err := s.KV(ctx, "settings", store.KVOptions{})
		if err != nil {
			fmt.Println(err)
			return
		}
		if e, err := kv.Get(ctx, "key"); err == nil {
			fmt.Printf("found %q\n", e.Value())
		} else {
			fmt.Println(err)
		}
		_, _ = kv.Put(ctx, "key", []byte(value))
		s.Close()
	}
	// Output:
	// nats: key not found
	// found "first"
}
