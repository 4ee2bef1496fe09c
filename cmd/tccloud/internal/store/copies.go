package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// witness is the stream whose copies stand for those of all streams: the one that probes write to.
const witness = bucket.ValuesPrefix + healthBucket

// behind is how late a copy may be.
const behind = 10 * time.Second

// wanted is how many copies everything has. What is stored says so, not how many nodes answer at
// this moment: one that is down would make the others forget two of three copies. Only who asks for
// fewer gets fewer. note says in the log what is to be known about that.
func (s *Store) wanted(ctx context.Context, asked int) (n int, note func(), err error) {
	nodes := 1
	if s.conn.ConnectedClusterName() != "" {
		nodes = len(s.conn.Servers())
	}
	st, err := s.js.Stream(ctx, witness)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil, fmt.Errorf("looking how many copies there are: %w", err)
	}
	stored := 0
	if err == nil {
		stored = st.CachedInfo().Config.Replicas
	}
	n = asked
	if n == 0 {
		n = max(stored, 1)
		if nodes >= 3 {
			n = max(n, 3)
		}
	}
	return n, func() {
		switch {
		case n < stored:
			s.log.Warn("fewer copies are kept from now on, as was asked for", "copies", n, "before", stored)
		case nodes < n:
			s.log.Warn("fewer nodes are known than there are to be copies: what is written now is on fewer until they are back", "copies", n, "nodes", nodes)
		}
	}, nil
}

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
