package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// longQuiet is how long a stream may give nothing before the rest of it counts as
// unreadable: longer than a busy disk needs for a block.
const longQuiet = 10 * time.Second

// loss is what one stream does not have any more.
type loss struct {
	stream, what string
	subjects     []string // of what is there and cannot be read
}

// check compares what NATS recovered with what the store held, and reads
// what everybody reads at the start: NATS does not answer for a damaged message,
// and who waits for it waits for ever.
func (s *Store) check(ctx context.Context, accept bool) error {
	was := s.lastInventory()
	for name, h := range was.Streams { // of a damaged configuration: the messages are there
		if _, err := s.js.Stream(ctx, name); errors.Is(err, jetstream.ErrStreamNotFound) && h.Config.Storage == jetstream.FileStorage {
			if _, err := s.js.CreateStream(ctx, h.Config); err != nil {
				return fmt.Errorf("making stream %q again: %w", name, err)
			}
			s.log.Warn("stream was made again: its configuration was damaged", "stream", name)
		}
	}
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	var lost []loss
	for name, h := range now.Streams {
		l, err := s.missing(ctx, h, was)
		if err != nil {
			return fmt.Errorf("checking stream %q: %w", name, err)
		}
		lost = append(lost, l...)
	}
	if len(lost) > 0 && !accept {
		return s.refuse(lost, was)
	}
	for _, l := range lost {
		s.log.Error("loss was accepted", "stream", l.stream, "lost", l.what)
		if err := s.mend(ctx, l); err != nil {
			return fmt.Errorf("mending stream %q: %w", l.stream, err)
		}
	}
	s.checked = true
	s.write(false)
	return nil
}

// missing lists what a stream should have.
func (s *Store) missing(ctx context.Context, h holding, was inventory) ([]loss, error) {
	name := h.Config.Name
	w, known := was.Streams[name]
	switch {
	case !known || !w.counted():
	case h.Messages < w.Messages:
		return []loss{{stream: name, what: fmt.Sprintf("%d of %d entries", w.Messages-h.Messages, w.Messages)}}, nil
	case h.Last < w.Last:
		return []loss{{stream: name, what: fmt.Sprintf("the newest %d changes", w.Last-h.Last)}}, nil
	}
	switch {
	case h.Config.Storage != jetstream.FileStorage:
	case strings.HasPrefix(name, kvPrefix):
		lost, err := s.readable(ctx, name, ">", nil)
		if err != nil || len(lost) > 0 || !w.Newest || h.Last != w.Last {
			return lost, err
		}
		there, err := s.newest(ctx, h)
		if err == nil && !there {
			lost = []loss{{stream: name, what: "the newest change, and maybe some before it"}}
		}
		return lost, err
	case strings.HasPrefix(name, objPrefix):
		return s.contents(ctx, name)
	}
	return nil, nil
}

// readable reads all messages of subjects that match filter.
func (s *Store) readable(ctx context.Context, name, filter string, see func(jetstream.Msg)) ([]loss, error) {
	st, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	// By subject: each message has one of its own.
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil || len(info.State.Subjects) == 0 {
		return nil, err
	}
	left := info.State.Subjects
	c, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, HeadersOnly: see == nil})
	if err != nil {
		return nil, err
	}
	for len(left) > 0 {
		before := len(left)
		batch, err := c.Fetch(min(len(left), 1000), jetstream.FetchMaxWait(s.quiet))
		if err != nil {
			return nil, err
		}
		for m := range batch.Messages() {
			delete(left, m.Subject())
			if see != nil {
				see(m)
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(left) == before {
			break
		}
	}
	if len(left) == 0 {
		return nil, nil
	}
	l := loss{stream: name}
	for subject := range left {
		l.subjects = append(l.subjects, subject)
	}
	slices.Sort(l.subjects)
	l.what = fmt.Sprintf("%d entries that cannot be read (%s …)", len(left), strings.TrimPrefix(l.subjects[0], "$KV."))
	return []loss{l}, nil
}

// contents looks whether each object has all of its chunks.
func (s *Store) contents(ctx context.Context, name string) ([]loss, error) {
	prefix := "$O." + strings.TrimPrefix(name, objPrefix)
	want := map[string]jetstream.ObjectInfo{} // by the subject of the chunks
	entry := map[string]string{}
	lost, err := s.readable(ctx, name, prefix+".M.>", func(m jetstream.Msg) {
		var o jetstream.ObjectInfo
		if json.Unmarshal(m.Data(), &o) == nil && !o.Deleted && o.Chunks > 0 {
			chunks := prefix + ".C." + o.NUID
			want[chunks], entry[chunks] = o, m.Subject()
		}
	})
	if err != nil || len(want) == 0 {
		return lost, err
	}
	st, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(prefix+".C.>"))
	if err != nil {
		return nil, err
	}
	for subject, o := range want {
		if has := info.State.Subjects[subject]; has < uint64(o.Chunks) {
			lost = append(lost, loss{name, fmt.Sprintf("%d of %d pieces of %q", uint64(o.Chunks)-has, o.Chunks, o.Name), []string{entry[subject]}})
		}
	}
	return lost, nil
}

// refuse says what is lost, where, and what can be done.
func (s *Store) refuse(lost []loss, was inventory) error {
	slices.SortFunc(lost, func(a, b loss) int { return strings.Compare(a.stream+a.what, b.stream+b.what) })
	var b strings.Builder
	at := ""
	if !was.Time.IsZero() {
		at = " at " + was.Time.Format(time.RFC3339)
	}
	fmt.Fprintf(&b, "it has lost some of what it held%s:", at)
	for i, l := range lost {
		if i == 10 {
			fmt.Fprintf(&b, "\n  … and %d more", len(lost)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s; damaged is a file in %q", l.stream, l.what, filepath.Join(s.folder(l.stream), "msgs"))
	}
	return &TroubleError{b.String(), fmt.Sprintf(
		"bring %q and %q back from a backup, both of one time; or go on without what is lost: serve --accept-loss, once",
		s.dir, s.inventoryFile())}
}

func (s *Store) folder(stream string) string {
	return filepath.Join(s.dir, server.JetStreamStoreDir, "$G", "streams", stream)
}
