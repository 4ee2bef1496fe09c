package jobs

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// look is how often due times and ends of runs are looked for.
	look = time.Second
	// atOnce bounds how many Jobs are written at the same time.
	atOnce = 16
	// some is how many Jobs begin a run before it is looked again who is in turn, and what has ended.
	some = 256
	// restAfterError is how long a Job is left alone that could not be gone on with.
	restAfterError = 5 * time.Second
)

// Run follows the bucket, and looks after the Jobs while this gateway holds the lease, until ctx
// ends.
func (s *Jobs) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return bucket.Follow(ctx, s.KV, s.seen) })
	g.Go(func() error { return s.lease.Run(ctx) })
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
			if s.lease.Held() {
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
				s.entries[e.job.Name].rest = time.Now().Add(restAfterError)
				s.mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait()
}

// todo lists the Jobs whose run is to be looked at, and some of those that are due: Environments in
// turn, and of each what has been due for longest.
func (s *Jobs) todo(now time.Time, clock bool) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	back := now.Before(s.last) // what was computed may be in a future that will not come
	s.last = now
	instant := time.Now() // by the monotonic clock
	var list []entry
	due := map[string][]*entry{}
	for _, e := range s.entries {
		if e.job == nil || instant.Before(e.rest) {
			continue
		}
		st := stateOf(e.job, e.state)
		if e.next.IsZero() || back {
			e.compute(st, now)
		}
		switch {
		case st.Run != nil && instant.Sub(e.looked) >= look/2:
			e.looked = instant
			list = append(list, *e)
		case st.Run == nil && clock && !e.next.After(now):
			due[e.job.Environment] = append(due[e.job.Environment], e)
		}
	}
	for _, e := range s.inTurn(due) {
		list = append(list, *e)
		e.next = time.Time{} // if nothing comes of it, it is computed again
	}
	return list
}

// inTurn returns some of the Jobs that are due in each Environment, beginning with the Environment
// after the last one that was in turn.
func (s *Jobs) inTurn(due map[string][]*entry) []*entry {
	names := slices.Sorted(maps.Keys(due))
	for _, list := range due {
		slices.SortFunc(list, func(a, b *entry) int {
			return cmp.Or(a.next.Compare(b.next), strings.Compare(a.job.Name, b.job.Name))
		})
	}
	first, found := slices.BinarySearch(names, s.turn)
	if found {
		first++
	}
	names = slices.Concat(names[first:], names[:first])
	var list []*entry
	for i := 0; len(names) > 0; i++ {
		names = slices.DeleteFunc(names, func(name string) bool { return i >= len(due[name]) })
		for _, name := range names {
			if len(list) == some {
				return list
			}
			list, s.turn = append(list, due[name][i]), name
		}
	}
	return list
}

// never is when a Job is due that is not.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// compute finds out when the Job is to be looked at. Jobs.mu is held.
func (e *entry) compute(st *State, now time.Time) {
	switch e.next = st.next(e.job, now); {
	case st.wrong(e.job, now):
		e.next = now
	case e.next.IsZero():
		e.next = never
	}
}

// forget has the Job looked at anew. Jobs.mu is held.
func (e *entry) forget() { e.next, e.rest, e.looked = time.Time{}, time.Time{}, time.Time{} }

// advance decides what is due, follows the run, writes what has changed, and then submits what was
// written down.
func (s *Jobs) advance(ctx context.Context, e *entry, clock bool) error {
	j, now := e.job, s.now()
	st, changed, submit := stateOf(j, e.state), false, false
	change := func() *State {
		if !changed {
			st, changed = st.clone(), true
		}
		return st
	}
	if clock && st.wrong(j, now) {
		change().correct(j, now)
	}
	if d := st.due(j, now); clock && d.n > 0 {
		submit = st.Run == nil
		change().decide(j, d, now)
		submit = submit && st.Run != nil
	}
	switch r := st.Run; {
	case r == nil || submit:
	case !r.Again.IsZero() && (!clock || now.Before(r.Again)):
	case !r.Again.IsZero():
		change().again(j)
		submit = true
	default:
		x, err := s.Orders.Get(ctx, r.Order)
		switch {
		case errors.Is(err, dispatch.ErrNotFound) && now.Sub(r.Due) > forgotten && clock:
			change().refuse(j, Unknown, "the order is no longer known", now)
		case errors.Is(err, dispatch.ErrNotFound) && now.Sub(r.Due) > forgotten: // who knows
		case errors.Is(err, dispatch.ErrNotFound):
			submit = true // it was written down, and no more
		case err != nil:
			return err
		case x.Terminal():
			change().settle(j, &x, now)
		}
	}
	if changed {
		err := s.putState(ctx, j.Name, st, e.stateRev)
		if bucket.Overtaken(err) {
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
		x, err := s.Orders.Get(ctx, st.Run.Order)
		if err != nil || !x.Terminal() {
			return err // a gateway that took the lease meanwhile has submitted this run
		}
		outcome, why = Skipped, "it was run before, and the clock has been set back since"
	}
	s.Logger.Warn("Job not started", "job", j.Name, "due", st.Run.Due, "err", refusal)
	_, err := s.changeState(ctx, j.Name, func(_ *Job, newest *State) error {
		if newest.Run == nil || newest.Run.Order != st.Run.Order {
			return errUnchanged
		}
		newest.refuse(j, outcome, why, s.now())
		return nil
	})
	if errors.Is(err, ErrNotFound) { // the Job was removed
		return nil
	}
	return err
}
