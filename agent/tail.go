package agent

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// tailEvery is how often a running job's output is looked at. Output that a
// job writes just before its end is sent at once with its end.
const tailEvery = 200 * time.Millisecond

// tail streams the logs of one job to the cloud. The files stay; where the
// cloud stands is learnt from each session's welcome.
type tail struct {
	o       *order
	session *session
	streams []*stream
	buf     []byte
}

type stream struct {
	name   wire.Stream
	open   func() (*os.File, error)
	file   *os.File
	offset int64
}

func newTail(o *order) *tail {
	output := func(name job.Stream) func() (*os.File, error) {
		return func() (*os.File, error) { return job.OpenOutput(o.dir(), name) }
	}
	return &tail{o: o, streams: []*stream{
		{name: wire.Stdout, open: output(job.Stdout)},
		{name: wire.Stderr, open: output(job.Stderr)},
		{name: wire.AppLog, open: output(job.Log)},
	}}
}

func (t *tail) close() {
	for _, s := range t.streams {
		if s.file != nil {
			_ = s.file.Close()
		}
	}
}

// live sends what is new until ctx ends.
func (t *tail) live(ctx context.Context) {
	ticker := time.NewTicker(tailEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s := t.o.a.session.current(); s != nil {
			if err := t.pump(ctx, s); err != nil && ctx.Err() == nil {
				t.o.a.Logger.Debug("log was not sent", "order", t.o.ref.String(), "err", err)
			}
		}
	}
}

// pump sends everything there is now in the given session.
func (t *tail) pump(ctx context.Context, s *session) error {
	if t.session != s {
		t.session = s
		for _, st := range t.streams {
			st.offset = s.offsets[logKey{t.o.ref, st.name}]
		}
	}
	var errs []error
	for _, st := range t.streams {
		errs = append(errs, t.drain(ctx, s, st))
	}
	return errors.Join(errs...)
}

func (t *tail) drain(ctx context.Context, s *session, st *stream) error {
	if st.file == nil {
		f, err := st.open()
		if errors.Is(err, os.ErrNotExist) {
			return nil // not written yet
		}
		if err != nil {
			return err
		}
		st.file = f
	}
	if t.buf == nil {
		t.buf = make([]byte, wire.MaxLogChunk)
	}
	for {
		n, err := st.file.ReadAt(t.buf, st.offset)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		select {
		case <-s.done:
			return nil
		default:
		}
		m := &wire.Log{Ref: t.o.ref, Stream: st.name, Offset: st.offset, Data: append([]byte(nil), t.buf[:n]...)}
		if err := t.o.a.link.SendIn(ctx, s.epoch, m); err != nil {
			return err
		}
		st.offset += int64(n)
	}
}
