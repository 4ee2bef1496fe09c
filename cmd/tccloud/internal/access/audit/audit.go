package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/access/limit"
)

// Entry is one action.
type Entry struct {
	ID      string    `json:"id,omitempty"` // of those that the log answers with, newer ones are before
	Time    time.Time `json:"time"`
	Who     string    `json:"who,omitempty"` // "" is not known
	How     string    `json:"how,omitempty"` // it was verified
	From    string    `json:"from,omitempty"`
	Action  string    `json:"action"`             // a method and a path, "sign in" or "change password"
	Outcome string    `json:"outcome"`            // "ok", or the code of the error
	LeftOut int       `json:"left_out,omitempty"` // refusals before this one that are not in the log
}

// OK is the outcome of what was done.
const OK = "ok"

// Life is how long entries are kept: package cloud removes older ones while the clock may be trusted.
const Life = 365 * 24 * time.Hour

// Stream is the name of the stream.
const Stream = "AUDIT"

const subject = "audit"

// StreamConfig describes the stream, of at most so many bytes.
func StreamConfig(bytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Stream, Description: "who did what", Subjects: []string{subject},
		MaxBytes: bytes, Discard: jetstream.DiscardOld,
	}
}

// Bounds.
const (
	maxField  = 300  // bytes of each text
	batch     = 64   // entries of a message
	queued    = 4096 // entries that wait to be written
	soon      = 200 * time.Millisecond
	writeTime = 10 * time.Second
	// Refusals that each gateway writes: so many at once, and then one each minute. Who guesses tokens
	// does not push out what others did.
	refusedBurst = 30
	refusedEvery = time.Minute
)

// Log is safe for concurrent use. A nil Log keeps nothing.
type Log struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	log     *slog.Logger
	refused *limit.Limit
	queue   chan Entry
	leftOut atomic.Int64 // since the last refusal that was written
	refusal atomic.Int64 // since the start
}

// New returns a Log of the stream that [StreamConfig] describes.
func New(js jetstream.JetStream, stream jetstream.Stream, log *slog.Logger) *Log {
	return &Log{js: js, stream: stream, log: log, refused: limit.New(refusedBurst, refusedEvery), queue: make(chan Entry, queued)}
}

// Record writes an entry and returns when it is on disk.
func (l *Log) Record(ctx context.Context, e Entry) {
	if l == nil {
		return
	}
	// A caller who hangs up has acted all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	l.write(ctx, []Entry{e})
}

// Later writes an entry in a moment.
func (l *Log) Later(e Entry) {
	if l == nil {
		return
	}
	select {
	case l.queue <- e:
	default:
		l.leftOut.Add(1)
	}
}

// Refused writes what somebody was refused in a moment, unless there were too many such.
func (l *Log) Refused(e Entry) {
	if l == nil {
		return
	}
	l.refusal.Add(1)
	if _, ok := l.refused.Try(""); !ok {
		l.leftOut.Add(1)
		return
	}
	e.LeftOut = int(l.leftOut.Swap(0))
	l.Later(e)
}

// Refusals counts what was refused since the start, also what is not in the log.
func (l *Log) Refusals() int64 {
	if l == nil {
		return 0
	}
	return l.refusal.Load()
}

// Run writes what waits, until ctx ends and all of it is written.
func (l *Log) Run(ctx context.Context) error {
	for {
		var list []Entry
		select {
		case e := <-l.queue:
			list = append(list, e)
		case <-ctx.Done():
		}
		if ctx.Err() == nil {
			select { // what comes together is written together
			case <-time.After(soon):
			case <-ctx.Done():
			}
		}
		list = l.more(list)
		if len(list) > 0 {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
			l.write(end, list)
			cancel()
		} else if ctx.Err() != nil {
			return nil
		}
	}
}

// more adds what waits, up to a message.
func (l *Log) more(list []Entry) []Entry {
	for len(list) < batch {
		select {
		case e := <-l.queue:
			list = append(list, e)
		default:
			return list
		}
	}
	return list
}

func (l *Log) write(ctx context.Context, list []Entry) {
	for i := range list {
		e := &list[i]
		e.ID = ""
		for _, s := range []*string{&e.Who, &e.How, &e.From, &e.Action, &e.Outcome} {
			*s = plain.Line(plain.Head(*s, maxField))
		}
	}
	data, err := json.Marshal(list)
	if err == nil {
		_, err = l.js.Publish(ctx, subject, data)
	}
	if err != nil {
		for _, e := range list { // the log of the program is the place that is left
			l.log.Error("audit entry not stored", "who", e.Who, "how", e.How, "from", e.From, "action", e.Action, "outcome", e.Outcome, "err", err)
		}
	}
}

// ErrCursor means that no entry has an id like that.
var ErrCursor = errors.New("no entry of the audit log has this id")

// List returns at most limit entries, the newest first, and only those before one of them if its id is
// given.
func (l *Log) List(ctx context.Context, before string, limit int) ([]Entry, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	seq, skip := info.State.LastSeq, batch
	if before != "" {
		if seq, skip, err = cursor(before); err != nil {
			return nil, err
		}
		if last := info.State.LastSeq; seq > last { // else a long way down to it
			seq, skip = last, batch
		}
	}
	list := []Entry{}
	for ; seq >= max(info.State.FirstSeq, 1) && len(list) < limit; seq-- {
		m, err := l.stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // lost, or removed a moment ago
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var some []Entry
		if err := json.Unmarshal(m.Data, &some); err != nil {
			l.log.Error("audit entry is not readable", "seq", seq, "err", err)
		}
		for i := min(len(some), skip) - 1; i >= 0 && len(list) < limit; i-- {
			some[i].ID = fmt.Sprintf("%d-%d", seq, i)
			list = append(list, some[i])
		}
		skip = batch
	}
	return list, nil
}

// cursor is the message in which an entry is, and how many entries are before it.
func cursor(id string) (seq uint64, entries int, err error) {
	n, err := fmt.Sscanf(id, "%d-%d", &seq, &entries)
	if n != 2 || err != nil || entries < 0 || entries >= batch || id != fmt.Sprintf("%d-%d", seq, entries) {
		return 0, 0, ErrCursor
	}
	return seq, entries, nil
}
