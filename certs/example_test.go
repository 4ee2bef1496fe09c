package certs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/certs"
)

// A job is started with the set of CAs that it trusts.
func Example() {
	store := certs.New(certs.Config{
		Dir:     "/opt/threatconnect-envsvr/.tcenvsvr/trust",
		Sources: certs.Sources{Drops: []string{"/etc/threatconnect-envsvr/certs.d"}, Java: "/usr/bin/java"},
	})
	set, err := store.Lease(context.Background(), "session-1")
	if err != nil {
		fmt.Println(err) // the job must not start: it would trust the runtime's default CAs
		return
	}
	_ = append(os.Environ(), set.Env()...) // Python, curl, git …
	_ = set.JavaArgs()                     // Java
	fmt.Println(filepath.Base(set.PEM()))

	_ = store.Release("session-1") // when the job has ended
}
