package services

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// look is how often instances are looked at.
	look = time.Second
	// atOnce bounds how many services are looked at at the same time.
	atOnce = 16
	// restAfterError is how long a service is left alone that could not be gone on with.
	restAfterError = 5 * time.Second
	// forgotten is how long an order that was written down may be unknown before it is taken for lost.
	forgotten = time.Minute
	// endWithin is how long an instance that was told to end may keep the triggers from the new one.
	endWithin = time.Minute
)

// Run follows the bucket, talks with the Apps of this gateway's servers, and looks after the services
// while this gateway holds the lease, until ctx ends.
func (s *Services) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return bucket.Follow(ctx, s.KV, s.seen) })
	g.Go(func() error { return s.lease.Run(ctx) })
	g.Go(func() error { return s.Exchange.Run(ctx) })
	g.Go(func() error {
		if s.known(ctx) != nil {
			return nil
		}
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				s.hangUp()
				s.relayed.Wait()
				return nil
			case <-tick.C:
			case <-s.wake:
			}
			s.attendAll(ctx)
			if s.lease.Held() {
				s.advanceAll(ctx)
			}
		}
	})
	return g.Wait()
}

// advanceAll goes on with every service that has something to do.
func (s *Services) advanceAll(ctx context.Context) {
	s.mu.Lock()
	var list []entry
	for name, e := range s.entries {
		if time.Now().After(e.rest) && (e.service != nil || e.state != nil) {
			one := *e
			if one.service == nil { // removed, and something may be left of it
				one.service = &Service{Name: name, ID: e.state.Service}
			}
			list = append(list, one)
		}
	}
	s.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, e := range list {
		g.Go(func() error {
			if err := s.advance(ctx, &e); err != nil && ctx.Err() == nil {
				s.Logger.Warn("service not gone on with, trying again", "service", e.service.Name, "err", err)
				s.mu.Lock()
				s.entry(e.service.Name).rest = time.Now().Add(restAfterError)
				s.mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait()
}

// advance takes in what became of the instances, decides what is to be, writes that down, and then has
// it done: what was written down and not done is done next time.
func (s *Services) advance(ctx context.Context, e *entry) error {
	v, now := e.service, s.now()
	st := stateOf(v, e.state).clone()
	if v.Generation == 0 && st.Current == nil && st.Next == nil && len(st.Old) == 0 { // removed, and nothing runs any more
		err := s.KV.Purge(ctx, statePrefix+v.Name, jetstream.LastRevision(e.stateRev))
		if err == nil {
			s.apply(statePrefix+v.Name, nil, e.stateRev+1, true)
		}
		return err
	}
	changed, submit, err := s.follow(ctx, v, st, now)
	if err != nil {
		return err
	}
	if s.decide(v, st, now) {
		changed = true
	}
	for _, i := range []*Instance{st.Current, st.Next} {
		if i != nil && i.Started.Equal(now) && !slices.Contains(submit, i.Order) {
			submit = append(submit, i.Order)
		}
	}
	if changed {
		err := s.putState(ctx, v.Name, st, e.stateRev)
		if bucket.Overtaken(err) {
			return nil // another one was faster: what it wrote is on its way here
		}
		if err != nil {
			return err
		}
	}
	for _, id := range submit {
		if err := s.submit(ctx, v, id); err != nil {
			return err
		}
	}
	for _, i := range st.Old {
		err := s.Orders.Cancel(ctx, i.Order, "the service was stopped, or another instance took over")
		if err != nil && !errors.Is(err, dispatch.ErrEnded) && !errors.Is(err, dispatch.ErrNotFound) {
			return err
		}
	}
	return nil
}

// follow takes in which instances have ended. It returns the orders that were written down and never
// made.
func (s *Services) follow(ctx context.Context, v *Service, st *State, now time.Time) (changed bool, submit []wire.OrderID, err error) {
	of := slices.Clone(st.Old)
	for _, i := range []*Instance{st.Current, st.Next} {
		if i != nil {
			of = append(of, *i)
		}
	}
	for _, i := range of {
		x, err := s.Orders.Get(ctx, i.Order)
		switch {
		case errors.Is(err, dispatch.ErrNotFound) && st.of(i.Order) != nil && now.Sub(i.Started) < forgotten:
			submit = append(submit, i.Order)
			continue
		case errors.Is(err, dispatch.ErrNotFound):
			x.Ended, x.State, x.Reason = now, wire.State(wire.Interrupted), "the order is no longer known"
		case err != nil:
			return false, nil, err
		case !x.Terminal():
			continue
		}
		end := endOf(&x)
		st.ended(i.Order, end)
		changed = true
		if !st.Ends[0].Told {
			s.Logger.Warn("service ended", "service", v.Name, "order", i.Order, "outcome", end.Outcome, "message", end.Message, "again", st.Again)
		}
	}
	return changed, submit, nil
}

// decide changes what is to be: instances are started, replaced and told to end. It reports whether
// anything was changed.
func (s *Services) decide(v *Service, st *State, now time.Time) bool {
	switch c, n := st.Current, st.Next; {
	case !v.Running && (c != nil || n != nil):
		st.dismiss()
	case !v.Running:
		return false
	case n != nil && n.Generation != v.Generation: // it is not what is wanted any more
		st.Old = append(st.Old, *n)
		st.Next = nil
	case n != nil && (!n.Ready.IsZero() || c == nil):
		st.replace()
	case c != nil && c.Generation != v.Generation && c.Ready.IsZero(): // it does not serve yet
		st.Old = append(st.Old, *c)
		st.Current = nil
	case c == nil && len(st.Old) == 0 && !now.Before(st.Again):
		st.Current = st.launch(v, now)
	case c != nil && n == nil && c.Generation != v.Generation && !now.Before(st.Again) && len(st.Old) == 0:
		st.Next = st.launch(v, now)
	default:
		return false
	}
	return true
}

// submit makes the order of an instance that was written down.
func (s *Services) submit(ctx context.Context, v *Service, id wire.OrderID) error {
	refusal := s.Orders.Submit(ctx, v, id)
	switch {
	case refusal == nil:
		s.Logger.Info("service started", "service", v.Name, "order", id)
		return nil
	case errors.Is(refusal, dispatch.ErrExists):
		return nil // made before
	case !errors.Is(refusal, ErrRefused):
		return refusal
	}
	s.Logger.Warn("service not started", "service", v.Name, "err", refusal)
	_, err := s.changeState(ctx, v.Name, func(_ *Service, st *State) error {
		if st.of(id) == nil {
			return errUnchanged
		}
		st.ended(id, End{At: s.now(), Outcome: "refused", Message: refusal.Error()})
		return nil
	})
	if errors.Is(err, ErrNotFound) { // the service was removed
		return nil
	}
	return err
}
