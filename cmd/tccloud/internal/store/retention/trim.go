package retention

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// trimBatch is how many entries are removed at a time.
const trimBatch = 500

// Bound says how much of a bucket is kept.
type Bound struct {
	Age   time.Duration // since an entry's last change, 0 = any
	Bytes int64         // of all entries, 0 = any
}

// Trim removes the oldest values of the bucket called name, and the marks of removed ones, until
// bound is kept; by age only while the clock may be trusted. It passes over values that may says to
// keep. It returns how many values were removed.
func (p *Pruner) Trim(ctx context.Context, name string, bound Bound, may func(key string, value []byte) bool) (int, error) {
	st, err := p.js.Stream(ctx, bucket.ValuesPrefix+name)
	if err != nil {
		return 0, fmt.Errorf("trimming bucket %q: %w", name, err)
	}
	state := st.CachedInfo().State
	left := int64(state.Bytes)
	if bound.Bytes > 0 && left > bound.Bytes {
		bound.Bytes -= bound.Bytes / 10 // not again at once
	}
	gone, trusted := 0, p.trusted()
	var batch []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq; {
		m, err := st.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return gone, fmt.Errorf("trimming bucket %q: %w", name, err)
		}
		seq = m.Sequence + 1
		now := time.Now()
		old := bound.Age > 0 && trusted && clock.True(m.Time, now) && now.Sub(m.Time) > bound.Age
		if !old && (bound.Bytes == 0 || left <= bound.Bytes) {
			break
		}
		mark := m.Header.Get(kvOperation) != ""
		if !mark && !may(strings.TrimPrefix(m.Subject, "$KV."+name+"."), m.Data) {
			continue
		}
		left -= int64(len(m.Subject) + len(m.Data) + perMessage)
		if !mark {
			gone++
		}
		if batch = append(batch, m); len(batch) == trimBatch {
			if err := p.purge(ctx, st, batch); err != nil {
				return gone, fmt.Errorf("trimming bucket %q: %w", name, err)
			}
			batch = batch[:0]
		}
	}
	if err := p.purge(ctx, st, batch); err != nil {
		return gone, fmt.Errorf("trimming bucket %q: %w", name, err)
	}
	return gone, nil
}

const (
	kvOperation = "KV-Operation" // header of what marks a removed key
	perMessage  = 30             // bytes that NATS adds
)

// Remove removes keys of the bucket called name, each with the revision that it is known to have; one
// that was written since stays.
func (p *Pruner) Remove(ctx context.Context, name string, keys map[string]uint64) error {
	if len(keys) == 0 {
		return nil
	}
	st, err := p.js.Stream(ctx, bucket.ValuesPrefix+name)
	if err != nil {
		return fmt.Errorf("removing from bucket %q: %w", name, err)
	}
	var batch []*jetstream.RawStreamMsg
	for key, revision := range keys {
		batch = append(batch, &jetstream.RawStreamMsg{Subject: "$KV." + name + "." + key, Sequence: revision})
	}
	return p.purge(ctx, st, batch)
}

// purge removes messages, and leaves what was written in their place meanwhile.
func (p *Pruner) purge(ctx context.Context, st jetstream.Stream, batch []*jetstream.RawStreamMsg) error {
	if len(batch) == 0 {
		return nil
	}
	return p.removing(st.CachedInfo().Config.Name, len(batch), func() error {
		for _, m := range batch {
			err := st.Purge(ctx, jetstream.WithPurgeSubject(m.Subject), jetstream.WithPurgeSequence(m.Sequence+1))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
