package datastore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// Bucket is the name of the bucket.
const Bucket = "exchange_db"

// Limits of one scope.
const (
	MaxRecord  = 512 << 10 // below the message limit of an external NATS
	MaxRecords = 10_000
	MaxBytes   = 64 << 20
)

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("there is no such record")
	ErrTooLarge = fmt.Errorf("a record has at most %d bytes", MaxRecord)
	ErrFull     = fmt.Errorf("the data store of this App is full: it holds %d records and %d bytes", MaxRecords, MaxBytes)
)

// Record is one value. An empty ID is the mark of its type: the type exists, even without records.
type Record struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Version int             `json:"version"`
	Source  json.RawMessage `json:"source"`
}

// Store is safe for concurrent use.
type Store struct {
	kv jetstream.KeyValue

	mu   sync.Mutex
	used map[string]*usage // by scope
}

// usage is what a scope holds, by key. Each gateway counts what is stored when it hears of the scope
// first, and from then on what it writes itself.
type usage struct {
	mu      sync.Mutex
	counted bool
	sizes   map[string]int64
	bytes   int64
}

// New returns the store over Bucket.
func New(kv jetstream.KeyValue) *Store { return &Store{kv: kv, used: map[string]*usage{}} }

// Digest is what stands for a name in a key: names hold characters that a key may not have, and are of
// any length.
func Digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:16])
}

func key(scope, typ, id string) string { return Digest(scope) + "." + Digest(typ) + "." + Digest(id) }

// Get returns a record.
func (s *Store) Get(ctx context.Context, scope, typ, id string) (Record, error) {
	r, _, err := s.get(ctx, key(scope, typ, id))
	return r, err
}

func (s *Store) get(ctx context.Context, key string) (Record, uint64, error) {
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Record{}, 0, ErrNotFound
	}
	if err != nil {
		return Record{}, 0, fmt.Errorf("reading the data store: %w", err)
	}
	var r Record
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return Record{}, 0, fmt.Errorf("reading the data store: %w", err)
	}
	return r, e.Revision(), nil
}

// Put writes a record and returns it with its version, which counts the writes.
func (s *Store) Put(ctx context.Context, scope, typ, id string, source json.RawMessage) (Record, error) {
	if len(source) > MaxRecord {
		return Record{}, ErrTooLarge
	}
	u, err := s.usage(ctx, scope)
	if err != nil {
		return Record{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	k := key(scope, typ, id)
	old, _, err := s.get(ctx, k)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Record{}, err
	}
	r := Record{Type: typ, ID: id, Version: old.Version + 1, Source: source}
	data, err := json.Marshal(r)
	if err != nil {
		return Record{}, fmt.Errorf("writing the data store: %w", err)
	}
	before, had := u.sizes[k]
	if !had && len(u.sizes) >= MaxRecords || u.bytes-before+int64(len(data)) > MaxBytes {
		return Record{}, ErrFull
	}
	if _, err := s.kv.Put(ctx, k, data); err != nil {
		return Record{}, fmt.Errorf("writing the data store: %w", err)
	}
	u.set(k, int64(len(data)))
	return r, nil
}

// Delete removes a record and returns what it was.
func (s *Store) Delete(ctx context.Context, scope, typ, id string) (Record, error) {
	u, err := s.usage(ctx, scope)
	if err != nil {
		return Record{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	k := key(scope, typ, id)
	r, _, err := s.get(ctx, k)
	if err != nil {
		return Record{}, err
	}
	if err := s.kv.Purge(ctx, k); err != nil {
		return Record{}, fmt.Errorf("removing from the data store: %w", err)
	}
	u.set(k, -1)
	return r, nil
}

// Mark makes a type exist. It costs a scope a record.
func (s *Store) Mark(ctx context.Context, scope, typ string) error {
	_, err := s.Put(ctx, scope, typ, "", json.RawMessage("{}"))
	return err
}

// List returns from the records of a type, in the order of their ids, those from start on, as many as
// fit in so many bytes and at most n, and the number of all. It is ErrNotFound where the type does not
// exist.
func (s *Store) List(ctx context.Context, scope, typ string, start, n, bytes int) (page []Record, total int, err error) {
	exists := false
	var ids []string
	err = s.each(ctx, Digest(scope)+"."+Digest(typ)+".*", func(_ string, data []byte) error {
		var r struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(data, &r)
		exists = true
		if r.ID != "" {
			ids = append(ids, r.ID)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case !exists:
		return nil, 0, ErrNotFound
	}
	slices.Sort(ids)
	for _, id := range ids[min(start, len(ids)):min(start+n, len(ids))] {
		r, err := s.Get(ctx, scope, typ, id)
		if errors.Is(err, ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, 0, err
		}
		if bytes -= len(r.Source); bytes < 0 && len(page) > 0 {
			break
		}
		page = append(page, r)
	}
	return page, len(ids), nil
}

// each calls f with all that is stored under keys like pattern.
func (s *Store) each(ctx context.Context, pattern string, f func(key string, data []byte) error, more ...jetstream.WatchOpt) error {
	watch, err := s.kv.Watch(ctx, pattern, append(more, jetstream.IgnoreDeletes())...)
	if err != nil {
		return fmt.Errorf("reading the data store: %w", err)
	}
	defer func() { _ = watch.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-watch.Updates():
			if e == nil { // that was all
				return nil
			}
			if err := f(e.Key(), e.Value()); err != nil {
				return fmt.Errorf("reading the data store: %w", err)
			}
		}
	}
}

// Remove removes all that a scope holds.
func (s *Store) Remove(ctx context.Context, scope string) error {
	var keys []string
	err := s.each(ctx, Digest(scope)+".>", func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	}, jetstream.MetaOnly())
	for _, key := range keys {
		if err == nil {
			err = s.kv.Purge(ctx, key)
		}
	}
	s.Forget(scope)
	return err
}

// Forget has what a scope holds counted anew.
func (s *Store) Forget(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.used, scope)
}

func (s *Store) usage(ctx context.Context, scope string) (*usage, error) {
	s.mu.Lock()
	u := s.used[scope]
	if u == nil {
		u = &usage{sizes: map[string]int64{}}
		s.used[scope] = u
	}
	s.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counted {
		return u, nil
	}
	clear(u.sizes)
	u.bytes = 0
	err := s.each(ctx, Digest(scope)+".>", func(key string, data []byte) error {
		u.set(key, int64(len(data)))
		return nil
	})
	u.counted = err == nil
	return u, err
}

// set notes the size of a key, -1: it is gone.
func (u *usage) set(key string, size int64) {
	u.bytes -= u.sizes[key]
	delete(u.sizes, key)
	if size >= 0 {
		u.sizes[key] = size
		u.bytes += size
	}
}
