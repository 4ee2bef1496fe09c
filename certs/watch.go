package certs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quietFor is how long sources must be unchanged before a merge: update-ca-trust and
	// administrators write several files.
	quietFor = 500 * time.Millisecond
	// lookAgain is the interval of checks for what no watch reports: changes on network file
	// systems, new folders, a CA that has expired.
	lookAgain = time.Minute
)

// Run keeps the set up to date until ctx ends, so that no job waits for a merge and the agent's own
// connections follow changes. Failures are logged and tried again.
func (s *Store) Run(ctx context.Context) error {
	var events chan fsnotify.Event
	var lost chan error
	watch, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = watch.Close() }()
		events, lost = watch.Events, watch.Errors
	} else {
		s.conf.Logger.Warn("sources of trusted CAs are not watched; they are looked at every minute", "err", err)
	}
	watched := map[string]bool{}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-events:
			quiet.Reset(quietFor)
			continue
		case err := <-lost: // events were lost, so anything may have changed
			s.conf.Logger.Debug("watching sources of trusted CAs", "err", err)
		case <-quiet.C:
		case <-again.C:
		}
		if watch != nil {
			s.follow(watch, watched)
		}
		if _, err := s.Current(ctx); err != nil && ctx.Err() == nil {
			s.conf.Logger.Error("trusted CAs cannot be brought up to date; jobs are refused", "err", err)
		}
	}
}

// follow watches the folders of all sources that exist by now.
func (s *Store) follow(watch *fsnotify.Watcher, watched map[string]bool) {
	folders := append(slices.Clone(s.conf.Sources.Drops), s.conf.Sources.Added)
	for _, file := range s.conf.Sources.files() {
		folders = append(folders, filepath.Dir(file))
		if real, err := filepath.EvalSymlinks(file); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	for _, dir := range folders {
		if dir == "" || dir == "." || watched[dir] {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := watch.Add(dir); err != nil {
			s.conf.Logger.Warn("a source of trusted CAs is not watched; it is looked at every minute", "err", fmt.Errorf("watching %q: %w", dir, err))
		}
		watched[dir] = true
	}
}
