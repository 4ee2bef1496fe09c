package test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"tcenvsvr/test/stage"
)

func TestMain(m *testing.M) {
	// A program with the race detector waits for a second before it exits; the tests start hundreds
	// of them.
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=10")
	}
	code := m.Run()
	if dir := programsDir; dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

var programsDir string

// programs builds tccloud and tcenvsvr once, with the race detector, when the first test wants
// them. With GOCOVERDIR set they count coverage into it.
var programs = sync.OnceValues(func() (*stage.Stage, error) {
	dir, err := os.MkdirTemp("", "tcbin")
	if err != nil {
		return nil, fmt.Errorf("building the programs: %w", err)
	}
	programsDir = dir
	flags := []string{"-race"}
	if os.Getenv("GOCOVERDIR") != "" {
		flags = append(flags, "-cover")
	}
	return stage.New(context.Background(), dir, "", "", flags...)
})
