package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/test/stage"
)

// update measures how long an agent that becomes its next version is away, how long a release that
// cannot even start keeps it away, and what is downloaded.
func update(b *bench) error {
	c, err := b.startCloud()
	if err != nil {
		return err
	}
	updates, err := c.NewUpdates()
	if err != nil {
		return err
	}
	next := filepath.Join(b.Dir, "next", "tcenvsvr")
	if err := b.Release(b.ctx, stage.NextVersion, next); err != nil {
		return err
	}
	dead := filepath.Join(b.Dir, "dead", "tcenvsvr")
	if err := b.Release(b.ctx, deadVersion, dead); err != nil {
		return err
	}
	if err := stage.Break(dead); err != nil {
		return err
	}
	a, err := c.Enroll(b.ctx, environment, "updating")
	if err != nil {
		return err
	}
	if err := a.Launch(); err != nil {
		return err
	}
	b.atEnd(func() { a.Stop(stopTimeout) })
	if err := a.Connected(b.ctx); err != nil {
		return err
	}
	rel, err := updates.Publish(b.ctx, stage.NextVersion, next, b.AgentBin)
	if err != nil {
		return err
	}
	b.row("whole program", float64(rel.Size)/1e6, "MB", "")
	if len(rel.Deltas) > 0 {
		b.row("delta of the same program with another version", float64(rel.Deltas[0].Size)/1e6, "MB", "< 5 % of the whole")
	}
	away, err := awayDuring(b.ctx, a, func() error {
		if _, err := c.Do(b.ctx, "release", "rollout", rel.Version, "--percent", "100"); err != nil {
			return err
		}
		return a.Updated(b.ctx, rel.Version)
	})
	if err != nil {
		return err
	}
	b.row("good update, control socket away", away.Seconds(), "s", "< 0.5 s")

	if rel, err = updates.Publish(b.ctx, deadVersion, dead); err != nil {
		return err
	}
	away, err = awayDuring(b.ctx, a, func() error {
		if _, err := c.Do(b.ctx, "release", "rollout", rel.Version, "--percent", "100"); err != nil {
			return err
		}
		return stage.Eventually(b.ctx, func() error {
			s, err := a.Updating(b.ctx)
			if err == nil && (len(s.Root.Bad) == 0 || s.Root.Selected.Version != stage.NextVersion || s.Agent.Phase == "") {
				err = fmt.Errorf("not rolled back: %+v", s)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	b.row("dead release: three starts, rollback, control socket answers", away.Seconds(), "s", "< 2 s")
	return nil
}

// deadVersion is newer than stage.NextVersion.
const deadVersion = "1.2.0-stage.7351"

// awayDuring is the longest time in which the agent's control socket did not answer while do ran.
func awayDuring(ctx context.Context, a *stage.Agent, do func() error) (time.Duration, error) {
	at, err := paths.New(a.Home)
	if err != nil {
		return 0, err
	}
	var stop atomic.Bool
	longest := make(chan time.Duration, 1)
	go func() {
		last, most := time.Now(), time.Duration(0)
		for !stop.Load() {
			if control.Call(ctx, at.Control, "GET", "status", nil, new(any)) == nil {
				most, last = max(most, time.Since(last)), time.Now()
			}
			time.Sleep(5 * time.Millisecond)
		}
		longest <- max(most, time.Since(last))
	}()
	err = do()
	stop.Store(true)
	return <-longest, err
}
