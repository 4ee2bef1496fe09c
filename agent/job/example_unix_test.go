//go:build unix

package job_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
)

// A job is started under a shim, and its outputs and its exit are read from its folder. The program
// that is started as the shim is this one: see TestMain.
func ExampleExecutor() {
	ctx := context.Background()
	jobs, err := os.MkdirTemp("", "jobs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(jobs)
	dir := filepath.Join(jobs, "order-1.1")
	if err := janitor.Make(dir); err != nil {
		panic(err)
	}
	executor, err := job.NewExecutor(job.Config{Runner: job.Direct{}})
	if err != nil {
		panic(err)
	}
	process, err := executor.Start(ctx, job.Launch{
		ID: "order-1.1", Dir: dir, Argv: []string{"/bin/sh", "-c", "echo hello; exit 3"}, Env: []string{"PATH=/bin"},
	})
	if err != nil {
		panic(err) // a *job.StartError: nothing runs
	}
	exit, err := process.Wait(ctx)
	if err != nil {
		panic(err)
	}
	out, err := job.OpenOutput(dir, job.Stdout)
	if err != nil {
		panic(err)
	}
	defer out.Close()
	text, _ := io.ReadAll(out)
	fmt.Printf("exit code %d after %q\n", exit.Code, text)
	// Output:
	// exit code 3 after "hello\n"
}
