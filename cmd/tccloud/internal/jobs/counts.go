package jobs

import (
	"context"
	"time"
)

// Counts says how the Jobs of an Environment stand. Each is one of Paused, Running, Due, Idle.
type Counts struct {
	Idle, Paused, Running int
	Due                   int // and not begun
	Late                  int // of Due, for more than a minute
	Failed                int // whose last run failed, whatever they do now
}

// late is how long after its time a Job that has not begun is late.
const late = time.Minute

// Counts returns the figures of each Environment that has Jobs, when they have been read.
func (s *Jobs) Counts(ctx context.Context) (map[string]Counts, error) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	now := s.now()
	all := map[string]Counts{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.job == nil {
			continue
		}
		st, c := stateOf(e.job, e.state), all[e.job.Environment]
		if e.next.IsZero() {
			e.compute(st, now)
		}
		switch {
		case st.Run != nil:
			c.Running++
		case e.job.Paused:
			c.Paused++
		case e.next.After(now):
			c.Idle++
		default:
			c.Due++
			if now.Sub(e.next) > late {
				c.Late++
			}
		}
		if len(st.History) > 0 && st.History[0].Failed() {
			c.Failed++
		}
		all[e.job.Environment] = c
	}
	return all, nil
}
