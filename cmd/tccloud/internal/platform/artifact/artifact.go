package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Names of the buckets.
const (
	RecordsBucket = "artifacts"
	ContentBucket = "artifact_content"
)

// Limits of one attempt at an order.
const (
	MaxArtifacts = 10_000
	MaxContent   = 4 << 30 // bytes as they are stored
)

// Errors that callers tell apart.
var (
	ErrNotFound  = errors.New("there is no such artifact")
	ErrLimit     = errors.New("the execution has handed over as much as one may")
	ErrCompleted = errors.New("the batch has its content already")
)

// Kind says what an artifact is.
type Kind string

// The kinds.
const (
	Batch        Kind = "batch"
	Notification Kind = "notification"
)

// State of a batch, in the platform's words. A notification is Completed.
type State string

// The states.
const (
	Created   State = "Created"
	Completed State = "Completed"
)

// Artifact is one thing that an App handed over.
type Artifact struct {
	ID      int          `json:"id"`
	Kind    Kind         `json:"kind"`
	Attempt wire.Attempt `json:"attempt"`
	State   State        `json:"state"`
	Created time.Time    `json:"created"`

	// Of a batch.
	Owner    string          `json:"owner,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"` // as the App gave them
	Report   *batch.Report   `json:"report,omitempty"`   // once it is completed
	Size     int64           `json:"size,omitempty"`     // bytes of the content
	SHA256   wire.SHA256     `json:"sha256,omitempty"`   // of the content

	// Of a notification.
	Message  string `json:"message,omitempty"`
	Priority string `json:"priority,omitempty"`
	Topic    string `json:"topic,omitempty"`
}

// record is how an artifact is stored.
type record struct {
	Artifact
	Object string `json:"object,omitempty"` // the content's name
	Stored int64  `json:"stored,omitempty"` // its bytes there
}

// Config of a Store; all but Room, Trusted and Now are required.
type Config struct {
	Records jetstream.KeyValue // RecordsBucket
	Content *bucket.Objects    // ContentBucket
	Dir     string             // for content that is being received
	// Room returns an error if there is no space for so many bytes; nil: there always is.
	Room func(bytes int64) error
	// Trusted reports whether this host's clock tells the age of content; nil = always.
	Trusted func() bool
	Now     func() time.Time // by which content is old; nil = time.Now
	Bytes   int64            // of all content, 0 = any
	Life    time.Duration    // of artifacts, 0 = [Life]
	// Keeper reports whether this gateway is the one that removes what is stored; nil = it is.
	Keeper func() bool
}

// Store is safe for concurrent use.
type Store struct {
	Config
	mu     sync.Mutex
	used   map[wire.Ref]*usage
	intact map[string]bool // objects that a record names, as far as Sweep has looked
}

// usage is what an attempt has handed over. Each gateway counts what is stored when it hears of the
// attempt first, and from then on what comes by itself.
type usage struct {
	mu      sync.Mutex
	counted bool
	n       int
	bytes   int64
}

// Open returns the store, and removes what was being received when the process ended.
func Open(cfg Config) (*Store, error) {
	if cfg.Room == nil {
		cfg.Room = func(int64) error { return nil }
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := errors.Join(os.RemoveAll(cfg.Dir), os.MkdirAll(cfg.Dir, 0o700)); err != nil {
		return nil, fmt.Errorf("opening the folder of artifacts: %w", err)
	}
	return &Store{Config: cfg, used: map[wire.Ref]*usage{}, intact: map[string]bool{}}, nil
}

func key(order wire.OrderID, id int) string { return string(order) + "." + strconv.Itoa(id) }

// Create stores an artifact and gives it an id, which no other artifact of the order has.
func (s *Store) Create(ctx context.Context, ref wire.Ref, a Artifact) (Artifact, error) {
	u, err := s.usage(ctx, ref)
	if err != nil {
		return Artifact{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n >= MaxArtifacts {
		return Artifact{}, ErrLimit
	}
	a.Attempt, a.Created = ref.Attempt, time.Now().UTC().Truncate(time.Millisecond)
	// Attempts have numbers of their own: a gateway that believes an old attempt to be the current one
	// takes none of the next one's.
	for a.ID = int(ref.Attempt)*1_000_000 + u.n + 1; ; a.ID++ {
		data, err := json.Marshal(record{Artifact: a})
		if err != nil {
			return Artifact{}, err
		}
		if _, err = s.Records.Create(ctx, key(ref.Order, a.ID), data); errors.Is(err, jetstream.ErrKeyExists) {
			continue // of another gateway
		}
		if err != nil {
			return Artifact{}, fmt.Errorf("storing an artifact: %w", err)
		}
		u.n++
		return a, nil
	}
}

// usage returns the counters of an attempt, and counts where it was not known.
func (s *Store) usage(ctx context.Context, ref wire.Ref) (*usage, error) {
	s.mu.Lock()
	u := s.used[ref]
	if u == nil {
		u = new(usage)
		s.used[ref] = u
	}
	s.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counted {
		return u, nil
	}
	all, err := s.records(ctx, ref.Order)
	if err != nil {
		return nil, err
	}
	u.n, u.bytes = 0, 0
	for _, r := range all {
		if r.Attempt == ref.Attempt {
			u.n, u.bytes = u.n+1, u.bytes+r.Stored
		}
	}
	u.counted = true
	return u, nil
}

// Get returns one artifact of an order.
func (s *Store) Get(ctx context.Context, order wire.OrderID, id int) (Artifact, error) {
	r, _, err := s.get(ctx, order, id)
	return r.Artifact, err
}

func (s *Store) get(ctx context.Context, order wire.OrderID, id int) (record, uint64, error) {
	e, err := s.Records.Get(ctx, key(order, id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return record{}, 0, ErrNotFound
	}
	if err != nil {
		return record{}, 0, fmt.Errorf("reading an artifact: %w", err)
	}
	var r record
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return record{}, 0, fmt.Errorf("reading an artifact: %w", err)
	}
	return r, e.Revision(), nil
}

// List returns the artifacts of an order, in the order in which they came.
func (s *Store) List(ctx context.Context, order wire.OrderID) ([]Artifact, error) {
	all, err := s.records(ctx, order)
	list := make([]Artifact, len(all))
	for i, r := range all {
		list[i] = r.Artifact
	}
	return list, err
}

func (s *Store) records(ctx context.Context, order wire.OrderID) ([]record, error) {
	watch, err := s.Records.Watch(ctx, string(order)+".*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	defer func() { _ = watch.Stop() }()
	var all []record
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e := <-watch.Updates():
			if e == nil { // that was all
				slices.SortFunc(all, func(a, b record) int { return a.ID - b.ID })
				return all, nil
			}
			var r record
			if err := json.Unmarshal(e.Value(), &r); err != nil {
				return nil, fmt.Errorf("listing artifacts: %w", err)
			}
			all = append(all, r)
		}
	}
}

// Content returns the content of a completed batch; the caller closes it.
func (s *Store) Content(ctx context.Context, order wire.OrderID, id int) (io.ReadCloser, Artifact, error) {
	r, _, err := s.get(ctx, order, id)
	if err == nil && r.Object == "" {
		err = ErrNotFound
	}
	if err != nil {
		return nil, Artifact{}, err
	}
	object, err := s.Config.Content.Get(ctx, r.Object)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, Artifact{}, fmt.Errorf("%w any more: the content of %d was removed to make room", ErrNotFound, id)
	}
	if err != nil {
		return nil, Artifact{}, fmt.Errorf("reading the content of artifact %d: %w", id, err)
	}
	content, err := decompressed(object)
	return content, r.Artifact, err
}

// orderOf is the order that a record or an object belongs to.
func orderOf(key string) (order wire.OrderID, id int) {
	part := strings.Split(key, ".")
	if len(part) < 2 {
		return "", 0
	}
	id, _ = strconv.Atoi(part[1])
	return wire.OrderID(part[0]), id
}
