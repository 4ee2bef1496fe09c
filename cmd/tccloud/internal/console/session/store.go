package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Bucket is the name of the bucket for a Store, whose entries may be dropped after Life.
const Bucket = "console_sessions"

// Times of a session.
const (
	Life = 12 * time.Hour   // from signing in
	Idle = 30 * time.Minute // without a request
	step = Idle / 15        // a deadline that moves by less is not worth a write
)

// Store implements scs.CtxStore. An entry is the deadline, in eight bytes of milliseconds, and the
// data; that of a session that was ended is a deadline of 0, so that a request that was under way
// does not bring it back.
type Store struct{ kv jetstream.KeyValue }

// NewStore returns the sessions in kv.
func NewStore(kv jetstream.KeyValue) *Store { return &Store{kv} }

var ended = make([]byte, 8)

// parse takes an entry apart. One that is damaged is no session.
func parse(entry []byte) (data []byte, deadline time.Time) {
	if len(entry) < 8 {
		return nil, time.Time{}
	}
	return entry[8:], time.UnixMilli(int64(binary.BigEndian.Uint64(entry))) //nolint:gosec // it was an int64
}

// FindCtx implements scs.CtxStore.
func (s *Store) FindCtx(ctx context.Context, digest string) ([]byte, bool, error) {
	e, err := s.kv.Get(ctx, digest)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a session: %w", err)
	}
	data, deadline := parse(e.Value())
	return data, len(data) > 0 && time.Now().Before(deadline), nil
}

// CommitCtx implements scs.CtxStore. Each request moves the deadline; where that is all, and it
// moves by a little, nothing is written.
func (s *Store) CommitCtx(ctx context.Context, digest string, data []byte, expiry time.Time) error {
	entry := binary.BigEndian.AppendUint64(nil, uint64(expiry.UnixMilli())) //nolint:gosec // and becomes one again
	entry = append(entry, data...)
	for {
		err := s.replace(ctx, digest, entry, data, expiry)
		if bucket.Overtaken(err) { // by another request
			continue
		}
		if err != nil {
			return fmt.Errorf("storing a session: %w", err)
		}
		return nil
	}
}

func (s *Store) replace(ctx context.Context, digest string, entry, data []byte, expiry time.Time) error {
	e, err := s.kv.Get(ctx, digest)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		_, err = s.kv.Create(ctx, digest, entry)
		return err
	}
	if err != nil {
		return err
	}
	was, deadline := parse(e.Value())
	if len(was) == 0 || bytes.Equal(was, data) && expiry.Sub(deadline).Abs() < step {
		return nil
	}
	_, err = s.kv.Update(ctx, digest, entry, e.Revision())
	return err
}

// DeleteCtx implements scs.CtxStore.
func (s *Store) DeleteCtx(ctx context.Context, digest string) error {
	if _, err := s.kv.Put(ctx, digest, ended); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// Find implements scs.Store.
func (s *Store) Find(digest string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), digest)
}

// Commit implements scs.Store.
func (s *Store) Commit(digest string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), digest, data, expiry)
}

// Delete implements scs.Store.
func (s *Store) Delete(digest string) error { return s.DeleteCtx(context.Background(), digest) }
