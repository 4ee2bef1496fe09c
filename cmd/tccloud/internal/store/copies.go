package store

import (
	"context"
	"time"
)

// witness is the stream whose copies stand for all: the one that Health writes to.
const witness = kvPrefix + healthBucket

// behind is how late a copy may be.
const behind = 10 * time.Second

// Copies returns on how many nodes of a cluster things are kept, and the names of
// those that are away or far behind. An embedded store has one.
func (s *Store) Copies(ctx context.Context) (n int, away []string, err error) {
	if s.dir != "" || s.replicas == 1 {
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

// Time is the clock of an external NATS; zero for an embedded one.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	if s.dir != "" {
		return time.Time{}, nil
	}
	st, err := s.js.Stream(ctx, witness)
	if err != nil {
		return time.Time{}, err
	}
	return st.CachedInfo().TimeStamp, nil
}
