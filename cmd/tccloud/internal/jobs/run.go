package jobs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// look is how often due times and ends of runs are looked for.
	look = time.Second
	// atOnce bounds how many Jobs are written at the same time.
	atOnce = 16
	// restAfterError is how long a Job is left alone that could not be gone on with.
	restAfterError = 5 * time.Second
)

// Run follows the bucket, and looks after the Jobs while this gateway holds the lease, until ctx
// ends.
func (s *Jobs) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return bucket.Follow(ctx, s.KV, s.seen) })
	g.Go(func() error { return s.keepLease(ctx) })
	g.Go(func() error { return s.notify(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-s.ready:
		}
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			case <-s.wake:
			}
			if s.held() {
				s.advanceAll(ctx, s.Trusted())
			}
		}
	})
	return g.Wait()
}

// advanceAll goes on with every Job that has something to do. Where the clock is not to be trusted,
// nothing is due; a run that was asked for, or is under way, goes on.
func (s *Jobs) advanceAll(ctx context.Context, clock bool) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, e := range s.todo(s.now(), clock) {
		g.Go(func() error {
			if err := s.advance(ctx, &e, clock); err != nil && ctx.Err() == nil {
				s.Logger.Warn("Job not gone on with, trying again", "job", e.job.Name, "err", err)
				s.mu.Lock()
				s.entries[e.job.Name].rest = s.now().Add(restAfterError)
				s.mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait()
}

// todo lists the Jobs that have a run or are due, Environments in turn.
func (s *Jobs) todo(now time.Time, clock bool) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string][]entry{}
	for _, e := range s.entries {
		if e.job == nil || e.rest.After(now) {
			continue
		}
		st := stateOf(e.job, e.state)
		if e.next.IsZero() {
			switch d := st.due(e.job, now); {
			case d.n > 0 || st.clone().correct(e.job, now):
				e.next = now
			case d.next.IsZero():
				e.next = now.AddDate(100, 0, 0)
			default:
				e.next = d.next
			}
		}
		if st.Run != nil || clock && !e.next.After(now) {
			by[e.job.Environment] = append(by[e.job.Environment], *e)
		}
	}
	var list []entry
	for i := 0; len(by) > 0; i++ {
		for _, name := range slices.Sorted(maps.Keys(by)) {
			if i >= len(by[name]) {
				delete(by, name)
				continue
			}
			list = append(list, by[name][i])
		}
	}
	return list
}

// forget has the next due time computed again. Jobs.mu is held.
func (e *entry) forget() { e.next, e.rest = time.Time{}, time.Time{} }

// advance decides what is due, follows the run, writes what has changed, and then submits what was
// written down.
func (s *Jobs) advance(ctx context.Context, e *entry, clock bool) error {
	j, now := e.job, s.now()
	st := stateOf(j, e.state).clone()
	changed, submit := clock && st.correct(j, now), false
	if d := st.due(j, now); clock && d.n > 0 {
		submit = st.Run == nil
		st.decide(j, d, now)
		submit, changed = submit && st.Run != nil, true
	}
	switch r := st.Run; {
	case r == nil || submit:
	case !r.Again.IsZero() && (!clock || now.Before(r.Again)):
	case !r.Again.IsZero():
		st.again(j)
		submit, changed = true, true
	default:
		x, err := s.Orders.Get(ctx, r.Order)
		switch {
		case errors.Is(err, dispatch.ErrNotFound) && now.Sub(r.Due) > forgotten:
			st.refuse(Unknown, "the order is no longer known", now)
			changed = true
		case errors.Is(err, dispatch.ErrNotFound):
			submit = true // it was written down, and no more
		case err != nil:
			return err
		case x.Terminal():
			st.settle(j, &x, now)
			changed = true
		}
	}
	if changed {
		err := s.putState(ctx, j.Name, st, e.stateRev)
		if errors.Is(err, jetstream.ErrKeyExists) {
			return nil // another one was faster: what it wrote is on its way here
		}
		if err != nil {
			return err
		}
	}
	if submit {
		return s.submit(ctx, j, st, changed)
	}
	return nil
}

// submit makes the order of the run that was written down; now: a moment ago.
func (s *Jobs) submit(ctx context.Context, j *Job, st *State, now bool) error {
	refusal := s.Orders.Submit(ctx, j, st.Run.Order, st.Left)
	switch {
	case refusal == nil:
		s.Logger.Info("Job started", "job", j.Name, "order", st.Run.Order, "why", st.Run.Why, "due", st.Run.Due, "try", st.Run.Try)
		return nil
	case errors.Is(refusal, dispatch.ErrExists) && !now:
		return nil
	case !errors.Is(refusal, dispatch.ErrExists) && !errors.Is(refusal, ErrRefused):
		return refusal
	}
	outcome, why := Refused, refusal.Error()
	if errors.Is(refusal, dispatch.ErrExists) {
		outcome, why = Skipped, "it was run before, and the clock has been set back since"
	}
	s.Logger.Warn("Job not started", "job", j.Name, "due", st.Run.Due, "err", refusal)
	_, err := s.changeState(ctx, j.Name, func(_ *Job, newest *State) error {
		if newest.Run != nil && newest.Run.Order == st.Run.Order {
			newest.refuse(outcome, why, s.now())
		}
		return nil
	})
	return err
}
