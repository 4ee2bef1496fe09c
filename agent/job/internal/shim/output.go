package shim

import (
	"errors"
	"os"
	"time"

	"tcenvsvr/agent/job/internal/capture"
	"tcenvsvr/agent/job/internal/spec"
)

// output copies one stream of the App into its file.
type output struct {
	app    *os.File // the App's end of the pipe, until it is started
	pipe   *os.File
	stream *capture.Stream
	err    error         // of reading, valid when done
	done   chan struct{} // closed when everything was read
}

func newOutput() (*output, error) {
	r, w, err := pipe()
	if err != nil {
		return nil, err
	}
	return &output{app: w, pipe: r, done: make(chan struct{})}, nil
}

// keep says which file has the output; it is made when there is some. If there is no space for the file, the
// output is read and lost, and the exit says so.
func (o *output) keep(name string, limit int64) {
	o.stream = capture.New(func() (*os.File, error) { return create(name) }, limit)
}

// collect begins to drain the pipe.
func (o *output) collect() {
	_ = o.app.Close()
	go func() {
		defer close(o.done)
		o.err = o.stream.Copy(o.pipe)
	}()
}

// finish waits for the rest. Nothing of the job lives any more, so the pipe has ended unless the
// App gave it to a process that is not of the job; finish does not wait for that one.
func (o *output) finish() (spec.Output, []byte) {
	select {
	case <-o.done:
	case <-time.After(drainTimeout):
		if err := o.pipe.SetReadDeadline(time.Now()); err != nil {
			return spec.Output{Error: "reading was given up: a stranger holds the stream open"}, nil
		}
		<-o.done
	}
	_ = o.pipe.Close()
	written, kept, err := o.stream.Close()
	result := spec.Output{Written: written, Kept: kept}
	switch {
	case err != nil:
		result.Error = "writing the output: " + err.Error()
	case errors.Is(o.err, os.ErrDeadlineExceeded):
		result.Error = "reading was given up: a stranger holds the stream open"
	case o.err != nil:
		result.Error = "reading the output: " + o.err.Error()
	}
	return result, o.stream.Last()
}
