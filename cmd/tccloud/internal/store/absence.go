package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrUnreadable means that something is there and could not be read. It is
// never to be taken for "not there".
var ErrUnreadable = errors.New("the store has it and cannot read it")

// present says whether a message is on the subject, and readable. NATS answers "no
// message found" to an I/O error as well, so its index is asked, too.
func present(ctx context.Context, s jetstream.Stream, subject string) (bool, error) {
	for again := true; ; again = false {
		_, err := s.GetLastMsgForSubject(ctx, subject)
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return true, err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(subject))
		switch {
		case err != nil:
			return false, err
		case info.State.Subjects[subject] == 0:
			return false, nil
		case !again: // twice: not just written in between
			return false, ErrUnreadable
		}
	}
}

// Get returns the newest value of the key; jetstream.ErrKeyNotFound only
// where there certainly is none.
func (b bucket) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	e, err := b.KeyValue.Get(ctx, key)
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return e, err
	}
	there, why := present(ctx, b.stream, "$KV."+b.Bucket()+"."+key)
	switch {
	case why != nil:
		return nil, fmt.Errorf("reading key %q of bucket %q: %w", key, b.Bucket(), why)
	case there: // the mark of a deletion, or written a moment ago
		return b.KeyValue.Get(ctx, key)
	}
	return nil, err
}

// confirm takes the library's word that there is no such object only when
// that is certain.
func (o *Objects) confirm(ctx context.Context, name string, err error) error {
	if !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	if _, why := present(ctx, o.stream, o.entry(name)); why != nil {
		return fmt.Errorf("reading the entry of object %q: %w", name, why)
	}
	return err
}
