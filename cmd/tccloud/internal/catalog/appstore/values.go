package appstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// The first byte of an entry in the bucket tells where the value is.
const (
	inline = 'i' // the value follows
	large  = 'l' // the name of the object follows
)

// maxInline keeps a value with its headers below the default message limit of an external NATS (1
// MiB).
const maxInline = 512 << 10

// key is a bucket key for any context and variable name. Names hold characters that a key may not
// have, and are of any length.
func key(kvContext, name string) string {
	n := sha256.Sum256([]byte(name))
	return contextKey(kvContext) + "." + hex.EncodeToString(n[:])
}

func contextKey(kvContext string) string {
	c := sha256.Sum256([]byte(kvContext))
	return hex.EncodeToString(c[:16])
}

// Get implements api.KeyValue.
func (s *Store) Get(ctx context.Context, kvContext, name string) ([]byte, error) {
	if exchange.Has(kvContext) {
		return s.Exchange.Get(ctx, kvContext, name)
	}
	e, err := s.Values.Get(ctx, key(kvContext, name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, api.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a Playbook variable: %w", err)
	}
	v := e.Value()
	switch {
	case len(v) == 0 || v[0] != inline && v[0] != large:
		return nil, errors.New("reading a Playbook variable: the stored value is damaged")
	case v[0] == inline:
		return v[1:], nil
	}
	value, err := s.Large.GetBytes(ctx, string(v[1:]))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, api.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a large Playbook variable: %w", err)
	}
	return value, nil
}

// Put implements api.KeyValue.
func (s *Store) Put(ctx context.Context, kvContext, name string, value []byte) error {
	if exchange.Has(kvContext) {
		return s.Exchange.Put(ctx, kvContext, name, value)
	}
	k := key(kvContext, name)
	where, rest := byte(inline), value
	if len(value) > maxInline {
		if err := s.Large.PutBytes(ctx, k, value); err != nil {
			return fmt.Errorf("storing a large Playbook variable: %w", err)
		}
		where, rest = large, []byte(k)
	}
	entry := append([]byte{where}, rest...)
	if _, err := s.Values.Put(ctx, k, entry); err != nil {
		return fmt.Errorf("storing a Playbook variable: %w", err)
	}
	return nil
}

// Sweep removes values and logs older than ValuesTTL and, if all values need more than
// Config.Bytes, the oldest ones. Values of used contexts stay.
func (s *Store) Sweep(ctx context.Context, used []string) error {
	inUse := map[string]bool{}
	for _, c := range used {
		inUse[contextKey(c)] = true
	}
	may := func(key string) bool { c, _, _ := strings.Cut(key, "."); return !inUse[c] }
	if s.Trim != nil {
		if _, err := s.Trim(ctx, ValuesBucket, retention.Bound{Bytes: s.Bytes / 2}, func(key string, _ []byte) bool { return may(key) }); err != nil {
			return fmt.Errorf("sweeping Playbook variables: %w", err)
		}
	}
	for _, stream := range []string{"KV_" + ValuesBucket, LogStream} {
		if err := s.Store.Expire(ctx, stream, ValuesTTL); err != nil {
			return fmt.Errorf("sweeping Playbook variables and logs: %w", err)
		}
	}
	trusted := s.Trusted()
	objects, err := s.Large.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return fmt.Errorf("sweeping Playbook variables: %w", err)
	}
	slices.SortFunc(objects, func(a, b *jetstream.ObjectInfo) int { return a.ModTime.Compare(b.ModTime) })
	var all int64
	for _, o := range objects {
		all += int64(o.Size)
	}
	for _, o := range objects {
		over := s.Bytes > 0 && all > s.Bytes/2 && may(o.Name)
		if over || trusted && time.Since(o.ModTime) > ValuesTTL {
			all -= int64(o.Size)
			if err := s.Large.Delete(ctx, o.Name); err != nil {
				return fmt.Errorf("sweeping Playbook variables: %w", err)
			}
		}
	}
	return nil
}
