package order

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
)

// logsEvery is how often a running job's output is looked at. Output that a job writes just before
// its end is sent at once with its end.
const logsEvery = 200 * time.Millisecond

// logs streams the outputs of one job to the cloud. The files stay; how much of them the cloud has
// is learned from the welcome of each session.
type logs struct {
	o       *Order
	session *Session
	streams []*stream
	buf     []byte
}

type stream struct {
	name   wire.Stream
	open   func() (*os.File, error)
	file   *os.File
	offset int64
}

func newLogs(o *Order) *logs {
	output := func(name job.Stream) func() (*os.File, error) {
		return func() (*os.File, error) { return job.OpenOutput(o.dir(), name) }
	}
	return &logs{o: o, streams: []*stream{
		{name: wire.Stdout, open: output(job.Stdout)},
		{name: wire.Stderr, open: output(job.Stderr)},
		{name: wire.AppLog, open: output(job.Log)},
	}}
}

func (l *logs) close() {
	for _, s := range l.streams {
		if s.file != nil {
			_ = s.file.Close()
		}
	}
}

// live sends what is new until ctx ends.
func (l *logs) live(ctx context.Context) {
	ticker := time.NewTicker(logsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s := l.o.c.Sessions.Current(); s != nil {
			if err := l.pump(ctx, s); err != nil && ctx.Err() == nil {
				l.o.c.Logger.Debug("log was not sent", "order", l.o.ref.String(), "err", err)
			}
		}
	}
}

// pump sends everything there is now in the given session.
func (l *logs) pump(ctx context.Context, s *Session) error {
	if l.session != s {
		l.session = s
		for _, st := range l.streams {
			st.offset = s.Offsets[LogKey{l.o.ref, st.name}]
		}
	}
	var errs []error
	for _, st := range l.streams {
		errs = append(errs, l.drain(ctx, s, st))
	}
	return errors.Join(errs...)
}

func (l *logs) drain(ctx context.Context, s *Session, st *stream) error {
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
	if l.buf == nil {
		l.buf = make([]byte, wire.MaxLogChunk)
	}
	for {
		n, err := st.file.ReadAt(l.buf, st.offset)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		select {
		case <-s.lost:
			return nil
		default:
		}
		m := &wire.Log{Ref: l.o.ref, Stream: st.name, Offset: st.offset, Data: append([]byte(nil), l.buf[:n]...)}
		if err := l.o.c.Link.SendIn(ctx, s.Epoch, m); err != nil {
			return err
		}
		st.offset += int64(n)
	}
}
