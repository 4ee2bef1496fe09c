package params

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// maxInline is the largest JSON form of parameters kept in the record, in bytes.
	maxInline = 16 << 10
	// maxFrame is the largest that goes into an order's frame.
	maxFrame = 128 << 10
	// maxSize is the largest that is accepted at all.
	maxSize = 16 << 20
)

// sweepAge is how old an object without a record is when Sweep removes it: the record may be being
// written.
const sweepAge = time.Hour

// Store keeps parameters that are too large for a record.
type Store struct{ objects *bucket.Objects }

// Open opens the bucket.
func Open(ctx context.Context, s *store.Store) (*Store, error) {
	objects, err := s.Objects(ctx, "inputs")
	if err != nil {
		return nil, err
	}
	return &Store{objects}, nil
}

// Inputs returns the inputs that the record of an order keeps, and the content of the object that
// they name, if they name one: Put it before the record is written. object is its name: the order's
// id, or that and a dot and anything.
func Inputs(object string, params, defaults map[string]string) (*record.Inputs, []byte, error) {
	data, err := json.Marshal(params)
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxSize {
		return nil, nil, fmt.Errorf("%d bytes of parameters, at most %d", len(data), maxSize)
	}
	in := &record.Inputs{Params: maps.Clone(params), Defaults: maps.Clone(defaults)}
	if len(data) > maxInline {
		in.Params, in.Object, in.ByHTTPS = nil, object, len(data) > maxFrame
	}
	return in, data, nil
}

// Put stores the object that in names, if any.
func (s *Store) Put(ctx context.Context, in *record.Inputs, content []byte) error {
	if in.Object == "" {
		return nil
	}
	return s.objects.PutBytes(ctx, in.Object, content)
}

// Get returns an order's parameters, wherever they are kept. Its errors never quote them.
func (s *Store) Get(ctx context.Context, in *record.Inputs) (map[string]string, error) {
	if in.Object == "" {
		return in.Params, nil
	}
	data, err := s.objects.GetBytes(ctx, in.Object)
	if err != nil {
		return nil, err
	}
	var out map[string]string
	if err := json.Unmarshal(data, &out); err != nil {
		// What encoding/json quotes may be a secret.
		return nil, fmt.Errorf("reading the parameters of order %q: not the JSON that was stored", in.Object)
	}
	return out, nil
}

// Sweep removes the objects of orders that have ended. ended tells of an order whether it has, and
// whether there is a record of it at all. An object without a record is removed when it is an hour
// old, and only if trusted says that the clock can tell.
func (s *Store) Sweep(ctx context.Context, trusted bool, ended func(ctx context.Context, order string) (ended, known bool, err error)) error {
	objects, err := s.objects.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, o := range objects {
		order, _, _ := strings.Cut(o.Name, ".")
		over, known, err := ended(ctx, order)
		if err != nil {
			return err
		}
		if over || !known && trusted && time.Since(o.ModTime) > sweepAge {
			if err := s.objects.Delete(ctx, o.Name); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
				return err
			}
		}
	}
	return nil
}
