package cloud

import (
	"context"
	"fmt"
	"io"
	"time"
)

// silence is how long a request may neither send nor receive a byte. A proxy would keep the
// connection to a frozen cloud open for ever.
const silence = 90 * time.Second

// watch ends a request in which no byte moves.
type watch struct {
	ctx   context.Context // of the request
	timer *time.Timer
	end   context.CancelCauseFunc
}

func newWatch(ctx context.Context) *watch {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(silence, func() { end(fmt.Errorf("no byte was sent or received for %s", silence)) })
	return &watch{ctx, timer, end}
}

// stop ends the watch, and the request if it lasts.
func (w *watch) stop() {
	w.timer.Stop()
	w.end(nil)
}

// why returns err, or the watch's own error if it has ended the request.
func (w *watch) why(err error) error {
	if cause := context.Cause(w.ctx); err != nil && cause != nil && w.ctx.Err() != nil {
		return cause
	}
	return err
}

// watched is a body, of a request or of an answer.
type watched struct {
	io.ReadCloser
	watch *watch
	last  bool // the request ends with this body
}

// Read implements io.Reader.
func (b watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.watch.timer.Reset(silence)
	if err != nil && err != io.EOF { //nolint:errorlint // as io.Reader has it
		err = b.watch.why(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b watched) Close() error {
	err := b.ReadCloser.Close()
	if b.last {
		b.watch.stop()
	}
	return err
}
