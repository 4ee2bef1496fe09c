package bucket

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// listAtOnce bounds how many entries List reads at the same time.
const listAtOnce = 16

// List describes all objects, oldest first, or returns jetstream.ErrNoObjectsFound. What goes
// meanwhile may be missing. NATS's client looks whether there is an entry and then waits until the
// last one has come: where that one goes in between, it waits for ever.
func (o *Objects) List(ctx context.Context) ([]*jetstream.ObjectInfo, error) {
	entries := o.prefix + ".M."
	state, err := o.stream.Info(ctx, jetstream.WithSubjectFilter(entries+">"))
	if err != nil {
		return nil, fmt.Errorf("listing objects: %w", err)
	}
	var mu sync.Mutex
	var all []*jetstream.ObjectInfo
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(listAtOnce)
	for subject := range state.State.Subjects {
		name, err := base64.URLEncoding.DecodeString(strings.TrimPrefix(subject, entries))
		if err != nil {
			continue // no client of object buckets has made it
		}
		g.Go(func() error {
			info, err := o.GetInfo(ctx, string(name))
			if errors.Is(err, jetstream.ErrObjectNotFound) {
				return nil
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, info)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("listing objects: %w", err)
	}
	if len(all) == 0 {
		return nil, jetstream.ErrNoObjectsFound
	}
	slices.SortFunc(all, func(a, b *jetstream.ObjectInfo) int {
		return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}
