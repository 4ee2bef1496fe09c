package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Life is how long artifacts are kept unless the configuration says otherwise: as long as executions.
const Life = 45 * 24 * time.Hour

// unnamed is how long content may be without a record that names it.
const unnamed = time.Hour

// Sweep removes artifacts that are older than Config.Life and, if all content needs more than Config.Bytes,
// the oldest content of attempts for which ended is true. trim removes old records, see
// [retention.Pruner.Trim].
func (s *Store) Sweep(ctx context.Context, ended func(wire.OrderID) bool,
	trim func(ctx context.Context, bucket string, bound retention.Bound, may func(key string, value []byte) bool) (int, error)) error {
	s.forget(ended)
	if s.Keeper != nil && !s.Keeper() {
		return nil
	}
	life := cmp.Or(s.Life, Life)
	if _, err := trim(ctx, RecordsBucket, retention.Bound{Age: life}, func(string, []byte) bool { return true }); err != nil {
		return fmt.Errorf("sweeping artifacts: %w", err)
	}
	objects, err := s.Config.Content.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return fmt.Errorf("sweeping artifacts: %w", err)
	}
	slices.SortFunc(objects, func(a, b *jetstream.ObjectInfo) int { return a.ModTime.Compare(b.ModTime) })
	var all int64
	for _, o := range objects {
		all += int64(o.Size)
	}
	trusted, intact := s.Trusted(), map[string]bool{}
	for _, o := range objects {
		order, _ := orderOf(o.Name)
		age := s.Now().Sub(o.ModTime)
		gone := trusted && age > life || s.Bytes > 0 && all > s.Bytes && ended(order)
		named := s.intact[o.Name]
		if !gone && !named && trusted && age > unnamed {
			if gone, err = s.orphan(ctx, o.Name); err != nil {
				return err
			}
			named = !gone
		}
		if !gone {
			intact[o.Name] = named
			continue
		}
		all -= int64(o.Size)
		if err := s.Config.Content.Delete(ctx, o.Name); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
			return fmt.Errorf("sweeping artifacts: %w", err)
		}
	}
	s.intact = intact
	return nil
}

// orphan reports whether no record names the object: its upload was cut off in the last moment.
func (s *Store) orphan(ctx context.Context, object string) (bool, error) {
	order, id := orderOf(object)
	if order == "" {
		return true, nil
	}
	r, _, err := s.get(ctx, order, id)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return err == nil && r.Object != object, err
}

// forget drops the counters of attempts that have ended.
func (s *Store) forget(ended func(wire.OrderID) bool) {
	s.mu.Lock()
	refs := make([]wire.Ref, 0, len(s.used))
	for ref := range s.used {
		refs = append(refs, ref)
	}
	s.mu.Unlock()
	for _, ref := range refs {
		if ended(ref.Order) {
			s.mu.Lock()
			delete(s.used, ref)
			s.mu.Unlock()
		}
	}
}
