package control_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/control"
)

// An agent answers, and a command asks.
func Example() {
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "control.sock")
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- control.Serve(ctx, socket, control.Handlers{
			"POST greet": control.With(func(_ context.Context, name string) (any, error) { return "hello, " + name, nil }),
		})
	}()

	var greeting string
	err = control.ErrNotRunning
	for errors.Is(err, control.ErrNotRunning) { // until the agent has started
		time.Sleep(time.Millisecond)
		err = control.Call(ctx, socket, "POST", "greet", "ada", &greeting)
	}
	fmt.Println(greeting, err)
	stop()
	fmt.Println(<-served, control.Call(context.Background(), socket, "POST", "greet", "ada", nil))
	// Output:
	// hello, ada <nil>
	// <nil> the Environment Server is not running
}
