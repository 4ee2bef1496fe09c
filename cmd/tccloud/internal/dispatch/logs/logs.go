package logs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// ErrGap means that bytes between the stream's end and the piece are missing; the agent has to go
// on at Welcome.Logs.
var ErrGap = errors.New("log piece leaves a gap")

const (
	streamName = "LOGS"
	headerAt   = "At"
)

// streams are those of a job.
var streams = []wire.Stream{wire.Stdout, wire.Stderr, wire.AppLog}

// Config of the log store.
type Config struct {
	Store  *store.Store
	Age    time.Duration // older pieces are removed
	Bytes  int64         // of all pieces; the oldest are removed
	Stream int64         // bytes kept of one stream of one attempt; the rest is dropped
}

// Logs is the log store.
type Logs struct {
	cfg Config
	s   jetstream.Stream
}

// Open opens the stream.
func Open(ctx context.Context, cfg Config) (*Logs, error) {
	s, err := cfg.Store.Stream(ctx, cfg.Store.Relaxed(jetstream.StreamConfig{
		Name:        streamName,
		Subjects:    []string{"log.*.*.*"},
		MaxBytes:    cfg.Bytes,
		Discard:     jetstream.DiscardOld,
		AllowDirect: true,
	}))
	if err != nil {
		return nil, err
	}
	return &Logs{cfg, s}, nil
}

// Expire removes pieces that are older than Config.Age.
func (l *Logs) Expire(ctx context.Context) error {
	return l.cfg.Store.Expire(ctx, streamName, l.cfg.Age)
}

func subject(ref wire.Ref, s wire.Stream) string {
	return fmt.Sprintf("log.%s.%d.%s", ref.Order, ref.Attempt, s)
}

// end is where a stream ends, and the sequence number of its last message.
type end struct {
	offset int64
	seq    uint64
}

func (l *Logs) end(ctx context.Context, subj string) (end, error) {
	m, err := l.s.GetLastMsgForSubject(ctx, subj)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return end{}, nil
	case err != nil:
		return end{}, fmt.Errorf("reading the end of log %s: %w", subj, err)
	}
	at, err := at(m.Header)
	return end{at + int64(len(m.Data)), m.Sequence}, err
}

func at(h nats.Header) (int64, error) {
	n, err := strconv.ParseInt(h.Get(headerAt), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading log piece: %w", err)
	}
	return n, nil
}

// Offsets returns how many bytes are stored of each stream of ref that has any.
func (l *Logs) Offsets(ctx context.Context, ref wire.Ref) ([]wire.LogOffset, error) {
	var out []wire.LogOffset
	for _, s := range streams {
		e, err := l.end(ctx, subject(ref, s))
		if err != nil {
			return nil, err
		}
		if e.offset > 0 {
			out = append(out, wire.LogOffset{Ref: ref, Stream: s, Offset: e.offset})
		}
	}
	return out, nil
}

// Writer writes the pieces that come by one session. One goroutine uses it.
type Writer struct {
	l    *Logs
	ends map[string]end
}

// Writer returns a writer for one session.
func (l *Logs) Writer() *Writer { return &Writer{l: l} }

// Forget frees what is remembered of ref's streams. It may be called at any time: the next Append
// looks it up again.
func (w *Writer) Forget(ref wire.Ref) {
	for _, s := range streams {
		delete(w.ends, subject(ref, s))
	}
}

// Append stores the part of the piece that is new. It returns ErrGap for a piece that leaves a
// hole; any other error means that it was not stored. After either the session has to end.
func (w *Writer) Append(ctx context.Context, m *wire.Log) error {
	subj := subject(m.Ref, m.Stream)
	e, ok := w.ends[subj]
	if !ok {
		var err error
		if e, err = w.l.end(ctx, subj); err != nil {
			return err
		}
	}
	data, offset := m.Data, m.Offset
	if offset > e.offset && e.offset < w.l.cfg.Stream {
		return fmt.Errorf("%w: %s ends at %d, the piece begins at %d", ErrGap, subj, e.offset, offset)
	}
	if skip := e.offset - offset; skip > 0 {
		if skip >= int64(len(data)) {
			return nil
		}
		data, offset = data[skip:], e.offset
	}
	if room := w.l.cfg.Stream - e.offset; int64(len(data)) > room {
		data = data[:max(room, 0)]
	}
	if len(data) == 0 {
		return nil
	}
	seq, err := w.l.put(ctx, subj, offset, data, e.seq)
	if err != nil && ok {
		// Retention may have removed the messages of a job that runs for long.
		if now, err2 := w.l.end(ctx, subj); err2 == nil && now.seq == 0 {
			seq, err = w.l.put(ctx, subj, offset, data, 0)
		}
	}
	if err != nil {
		delete(w.ends, subj)
		return fmt.Errorf("storing log piece of %s: %w", subj, err)
	}
	if w.ends == nil {
		w.ends = map[string]end{}
	}
	w.ends[subj] = end{offset + int64(len(data)), seq}
	return nil
}

// put stores a piece after the one with sequence number last.
func (l *Logs) put(ctx context.Context, subj string, offset int64, data []byte, last uint64) (uint64, error) {
	msg := &nats.Msg{Subject: subj, Data: data, Header: nats.Header{headerAt: {strconv.FormatInt(offset, 10)}}}
	ack, err := l.cfg.Store.JS().PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(last))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// Piece is one stored piece.
type Piece struct {
	Stream wire.Stream
	Offset int64
	Data   []byte
	Seq    uint64 // where to go on: the next piece has a higher one
}

// Next returns the first piece of ref's stream ("" = any) after seq, and false where there is none
// yet.
func (l *Logs) Next(ctx context.Context, ref wire.Ref, s wire.Stream, seq uint64) (Piece, bool, error) {
	if s == "" {
		s = "*"
	}
	m, err := l.s.GetMsg(ctx, seq+1, jetstream.WithGetMsgSubject(subject(ref, s)))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return Piece{}, false, nil
	case err != nil:
		return Piece{}, false, fmt.Errorf("reading log of %s: %w", ref, err)
	}
	offset, err := at(m.Header)
	if err != nil {
		return Piece{}, false, err
	}
	name := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	return Piece{wire.Stream(name), offset, m.Data, m.Sequence}, true, nil
}
