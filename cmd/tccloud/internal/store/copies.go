package store

import (
	"context"
	"time"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// witness is the stream whose copies stand for those of all streams: the one that probes write to.
const witness = bucket.ValuesPrefix + healthBucket

// behind is how late a copy may be.
const behind = 10 * time.Second

// Copies returns on how many nodes things are kept, and the names of those nodes that are away or
// more than ten seconds behind. An embedded store is kept on one.
func (s *Store) Copies(ctx context.Context) (n int, away []string, err error) {
	if s.Embedded() || s.replicas == 1 {
		return 1, nil, nil
	}
	st, err := s.js.Stream(ctx, witness)
	if err != nil {
		return s.replicas, nil, err
	}
	if c := st.CachedInfo().Cluster; c != nil {
		for _, r := range c.Replicas {
			if r.Offline || r.Active > behind && !r.Current {
				away = append(away, r.Name)
			}
		}
	}
	return s.replicas, away, nil
}

// Time is the time by the clock of an external NATS, and zero for an embedded one.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	if s.Embedded() {
		return time.Time{}, nil
	}
	st, err := s.js.Stream(ctx, witness)
	if err != nil {
		return time.Time{}, err
	}
	return st.CachedInfo().TimeStamp, nil
}
