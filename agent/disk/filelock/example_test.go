package filelock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/filelock"
)

// Two writers of one file take turns.
func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	lock := filepath.Join(dir, "settings.lock")

	release, err := filelock.Try(lock)
	fmt.Println("the first one has it:", err == nil)

	_, err = filelock.Try(lock)
	fmt.Println("the second one does not:", errors.Is(err, filelock.ErrHeld))

	time.AfterFunc(10*time.Millisecond, release)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	release, err = filelock.Wait(ctx, lock)
	fmt.Println("but it can wait:", err == nil)
	release()
	// Output:
	// the first one has it: true
	// the second one does not: true
	// but it can wait: true
}
