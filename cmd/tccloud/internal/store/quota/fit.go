package quota

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// LeastBytes is what every bounded stream may hold, however full the disk is.
const LeastBytes = 4 << 20

// Fitter lets the limits of streams follow the free space. It is safe for concurrent use.
type Fitter struct {
	dir string
	js  jetstream.JetStream
	log *slog.Logger

	mu     sync.Mutex
	limits map[string]jetstream.StreamConfig // as they were asked for, by the stream's name
}

// NewFitter returns a Fitter for the streams that are stored below dir.
func NewFitter(dir string, js jetstream.JetStream, log *slog.Logger) *Fitter {
	return &Fitter{dir: dir, js: js, log: log, limits: map[string]jetstream.StreamConfig{}}
}

// Add has Fit change a stream's limit from now on. A stream that has none, or whose oldest messages
// may not go when it is full, is left alone.
func (f *Fitter) Add(cfg jetstream.StreamConfig) {
	if cfg.MaxBytes <= 0 || cfg.Discard != jetstream.DiscardOld {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits[cfg.Name] = cfg
}

// Fit brings the limits to what the disk has room for: a stream may grow by half of what is free
// beyond twice the reserve, and shrinks where there is less than that.
func (f *Fitter) Fit(ctx context.Context) error {
	f.mu.Lock()
	all := slices.Collect(maps.Values(f.limits))
	f.mu.Unlock()
	for _, cfg := range all {
		r, err := RoomAt(f.dir)
		if err != nil {
			return err
		}
		st, err := f.js.Stream(ctx, cfg.Name)
		if err != nil {
			return fmt.Errorf("looking at stream %q: %w", cfg.Name, err)
		}
		now := st.CachedInfo()
		fit := int64(now.State.Bytes) + (int64(r.Free)-2*int64(r.Reserve()))/2
		fit = min(cfg.MaxBytes, max(fit, LeastBytes))
		if d := fit - now.Config.MaxBytes; max(d, -d) < now.Config.MaxBytes/8 {
			continue
		}
		next := now.Config
		next.MaxBytes = fit
		if _, err := f.js.UpdateStream(ctx, next); err != nil {
			return fmt.Errorf("changing how much stream %q may hold: %w", cfg.Name, err)
		}
		f.log.Info("how much is kept was fitted to the disk", "stream", cfg.Name, "bytes", fit, "free", r.Free)
	}
	return nil
}
