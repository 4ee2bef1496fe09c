package local

import (
	"context"
	"io"
	"os"
	"time"

	"tcenvsvr/agent/job"
)

// follower copies the outputs of a running job to its sinks.
type follower struct {
	dir   string
	sinks map[job.Stream]io.Writer
	files map[job.Stream]*os.File
}

// follow copies until ctx ends, and then the rest.
func (f *follower) follow(ctx context.Context) {
	f.files = map[job.Stream]*os.File{}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			f.copy()
			return
		case <-ticker.C:
			f.copy()
		}
	}
}

func (f *follower) copy() {
	for name, sink := range f.sinks {
		if f.files[name] == nil {
			file, err := job.OpenOutput(f.dir, name)
			if err != nil {
				continue // not there yet
			}
			f.files[name] = file
		}
		_, _ = io.Copy(sink, f.files[name]) // a closed terminal does not end the App
	}
}

func (f *follower) close() {
	for _, file := range f.files {
		_ = file.Close()
	}
}
