package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// loss is what a stream has lost.
type loss struct {
	stream, what string
	subjects     []string // of messages that are there and cannot be read
}

// Check compares what the server recovered with what it held, and reads what all parts of the cloud
// read at their start: NATS does not answer for a damaged message, and a reader would wait for it
// for ever. Where something is lost it returns a LossError and changes nothing; with accept it logs
// the loss and makes the streams readable again without it.
func (i *Inventory) Check(ctx context.Context, accept bool) error {
	was := i.last()
	for name, h := range was.Streams { // of a damaged configuration: the messages are there
		if _, err := i.js.Stream(ctx, name); errors.Is(err, jetstream.ErrStreamNotFound) && h.Config.Storage == jetstream.FileStorage {
			if _, err := i.js.CreateStream(ctx, h.Config); err != nil {
				return fmt.Errorf("making stream %q again: %w", name, err)
			}
			i.log.Warn("stream was made again: its configuration was damaged", "stream", name)
		}
	}
	now, err := i.count(ctx)
	if err != nil {
		return err
	}
	var lost []loss
	for name, h := range now.Streams {
		l, err := i.missing(ctx, h, was)
		if err != nil {
			return fmt.Errorf("checking stream %q: %w", name, err)
		}
		lost = append(lost, l...)
	}
	if len(lost) > 0 && !accept {
		return i.refuse(lost, was)
	}
	for _, l := range lost {
		i.log.Error("loss was accepted", "stream", l.stream, "lost", l.what)
		if err := i.rebuild(ctx, l); err != nil {
			return fmt.Errorf("rebuilding stream %q: %w", l.stream, err)
		}
	}
	i.checked = true
	i.write(false)
	return nil
}

// missing lists what a stream should hold and does not.
func (i *Inventory) missing(ctx context.Context, h holding, was snapshot) ([]loss, error) {
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
	case strings.HasPrefix(name, bucket.ValuesPrefix):
		lost, err := i.unreadable(ctx, name, ">", nil)
		if err != nil || len(lost) > 0 || !w.Newest || h.Last != w.Last {
			return lost, err
		}
		there, err := i.hasNewest(ctx, h)
		if err == nil && !there {
			lost = []loss{{stream: name, what: "the newest change, and maybe some before it"}}
		}
		return lost, err
	case strings.HasPrefix(name, bucket.ObjectsPrefix):
		return i.incomplete(ctx, name)
	}
	return nil, nil
}

// unreadable reads all messages of subjects that match filter, gives them to see, and lists those
// that do not come.
func (i *Inventory) unreadable(ctx context.Context, name, filter string, see func(jetstream.Msg)) ([]loss, error) {
	st, err := i.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	// By subject: each message has one of its own.
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil || len(info.State.Subjects) == 0 {
		return nil, err
	}
	left := info.State.Subjects
	c, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter}, HeadersOnly: see == nil, MaxResetAttempts: bucket.ReadAttempts,
	})
	if err != nil {
		return nil, err
	}
	for len(left) > 0 {
		before := len(left)
		batch, err := c.Fetch(min(len(left), 1000), jetstream.FetchMaxWait(i.quiet))
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

// incomplete lists the objects of a bucket that do not have all of their chunks.
func (i *Inventory) incomplete(ctx context.Context, name string) ([]loss, error) {
	prefix := "$O." + strings.TrimPrefix(name, bucket.ObjectsPrefix)
	want := map[string]jetstream.ObjectInfo{} // by the subject of the chunks
	entry := map[string]string{}
	lost, err := i.unreadable(ctx, name, prefix+".M.>", func(m jetstream.Msg) {
		var o jetstream.ObjectInfo
		if json.Unmarshal(m.Data(), &o) == nil && !o.Deleted && o.Chunks > 0 {
			chunks := prefix + ".C." + o.NUID
			want[chunks], entry[chunks] = o, m.Subject()
		}
	})
	if err != nil || len(want) == 0 {
		return lost, err
	}
	st, err := i.js.Stream(ctx, name)
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

// refuse says what is lost, in which files, and what can be done.
func (i *Inventory) refuse(lost []loss, was snapshot) error {
	slices.SortFunc(lost, func(a, b loss) int { return strings.Compare(a.stream+a.what, b.stream+b.what) })
	var b strings.Builder
	at := ""
	if !was.Time.IsZero() {
		at = " at " + was.Time.Format(time.RFC3339)
	}
	fmt.Fprintf(&b, "it has lost some of what it held%s:", at)
	for n, l := range lost {
		if n == 10 {
			fmt.Fprintf(&b, "\n  … and %d more", len(lost)-n)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s; damaged is a file in %q", l.stream, l.what, filepath.Join(i.server.Folder(l.stream), "msgs"))
	}
	return &LossError{b.String(), fmt.Sprintf(
		"bring %q and %q back from a backup, both of one time; or go on without what is lost: serve --accept-loss, once",
		i.server.Dir(), i.file())}
}

// LossError says what the store has lost, in which files.
type LossError struct{ lost, hint string }

// Error implements error.
func (e *LossError) Error() string { return e.lost }

// Hint says what an operator can do.
func (e *LossError) Hint() string { return e.hint }
