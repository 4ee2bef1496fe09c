package store

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// leastBytes is what every bounded stream may hold.
const leastBytes = 4 << 20

// bounded notes a stream whose oldest messages go when it is full: how much it holds
// follows the disk.
func (s *Store) bounded(cfg jetstream.StreamConfig) {
	if s.dir == "" || cfg.MaxBytes <= 0 || cfg.Discard != jetstream.DiscardOld {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limits == nil {
		s.limits = map[string]jetstream.StreamConfig{}
	}
	s.limits[cfg.Name] = cfg
}

// Fit brings the limits of logs and the like to what the disk has room for: they
// may grow by half of what is free beyond twice the reserve, and make room where there is less.
func (s *Store) Fit(ctx context.Context) error {
	s.mu.Lock()
	var all []jetstream.StreamConfig
	for _, cfg := range s.limits {
		all = append(all, cfg)
	}
	s.mu.Unlock()
	for _, cfg := range all {
		r, err := RoomAt(s.dir)
		if err != nil {
			return err
		}
		st, err := s.js.Stream(ctx, cfg.Name)
		if err != nil {
			return fmt.Errorf("looking at stream %q: %w", cfg.Name, err)
		}
		now := st.CachedInfo()
		fit := int64(now.State.Bytes) + (int64(r.Free)-2*int64(r.Reserve()))/2
		fit = min(cfg.MaxBytes, max(fit, leastBytes))
		if d := fit - now.Config.MaxBytes; max(d, -d) < now.Config.MaxBytes/8 {
			continue
		}
		next := now.Config
		next.MaxBytes = fit
		if _, err := s.js.UpdateStream(ctx, next); err != nil {
			return fmt.Errorf("changing how much stream %q may hold: %w", cfg.Name, err)
		}
		s.log.Info("how much is kept was fitted to the disk", "stream", cfg.Name, "bytes", fit, "free", r.Free)
	}
	return nil
}
