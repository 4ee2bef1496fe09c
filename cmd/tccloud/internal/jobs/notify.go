package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

// Failure is what is told when a run has failed or was missed, as JSON: posted to a URL, or on the
// stdin of the gateway's command. It has no parameters: they may be secret.
type Failure struct {
	Job         string       `json:"job"`
	Environment string       `json:"environment"`
	App         string       `json:"app"`
	Due         time.Time    `json:"due"`
	Ended       time.Time    `json:"ended"`
	Execution   wire.OrderID `json:"execution,omitempty"` // of the last try
	Tries       int          `json:"tries"`
	Times       int          `json:"times,omitempty"` // how many due times up to Due were missed
	Outcome     string       `json:"outcome"`
	ExitCode    *int         `json:"exit_code,omitempty"`
	Message     string       `json:"message,omitempty"`
}

const (
	// maxNotify is how often it is tried to tell of one failure, for three hours in all.
	maxNotify     = 6
	notifyTimeout = 15 * time.Second
	// commandTimeout is how long a command may take.
	commandTimeout = time.Minute
	// receivers bounds how many are told at the same time.
	receivers = 16
)

// notify tells of failures until ctx ends: to each receiver one at a time, and to some receivers at
// once, so that one that does not answer delays nobody else. That something was told is written down
// afterwards: after a crash it may be told twice.
func (s *Jobs) notify(ctx context.Context) error {
	var mu sync.Mutex
	busy := map[string]bool{}    // receivers
	rest := map[told]time.Time{} // not before
	var g errgroup.Group
	g.SetLimit(receivers)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-tick.C:
		}
		if !s.lease.Held() {
			continue
		}
		to, known := map[string][]pending{}, map[told]bool{}
		mu.Lock()
		for _, p := range s.failures() {
			known[p.id()] = true
			if r := receiver(p.job.Notify); !busy[r] && time.Now().After(rest[p.id()]) {
				to[r] = append(to[r], p)
			}
		}
		maps.DeleteFunc(rest, func(id told, _ time.Time) bool { return !known[id] })
		mu.Unlock()
		for r, list := range to {
			mu.Lock()
			busy[r] = true
			mu.Unlock()
			began := g.TryGo(func() error {
				for _, p := range list {
					pause := s.tellOne(ctx, p)
					if pause > 0 {
						mu.Lock()
						rest[p.id()] = time.Now().Add(pause)
						mu.Unlock()
						break
					}
				}
				mu.Lock()
				defer mu.Unlock()
				delete(busy, r)
				return nil
			})
			if !began {
				mu.Lock()
				delete(busy, r)
				mu.Unlock()
				break
			}
		}
	}
}

// receiver is who is behind a URL, "" for the command.
func receiver(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return ""
	}
	return u.Host
}

// tellOne tells of one failure, notes that it has, and returns how long to wait for the next try, 0
// if there is none.
func (s *Jobs) tellOne(ctx context.Context, p pending) time.Duration {
	var tries int
	var pause time.Duration
	if p.job.Notify != "" {
		err := s.tell(ctx, p.job, p.run)
		if ctx.Err() != nil {
			return 0
		}
		if err != nil {
			tries, pause = p.run.Notify+1, notifyPause(p.run.Notify)
			s.Logger.Warn("failure of a Job was not told", "job", p.job.Name, "order", p.run.Order, "due", p.run.Due, "try", p.run.Notify, "err", err)
		}
		if tries > maxNotify {
			tries = 0
		}
	}
	_, err := s.changeState(ctx, p.job.Name, func(_ *Job, st *State) error {
		done := errUnchanged
		for i := range st.History {
			if h := &st.History[i]; h.Order == p.run.Order && h.Due.Equal(p.run.Due) && h.Notify > 0 {
				h.Notify, done = tries, nil
			}
		}
		return done
	})
	if err != nil {
		s.Logger.Debug("that a failure was told is not noted", "job", p.job.Name, "err", err)
		return cmp.Or(pause, restAfterError)
	}
	return pause
}

// notifyPause is how long after a try to tell of a failure the next one follows.
func notifyPause(try int) time.Duration {
	pause := 5 * time.Second
	for range try - 1 {
		pause *= 6
	}
	return pause
}

type pending struct {
	job *Job
	run Run
}

// told tells one run from another.
type told struct {
	job   wire.JobID
	due   time.Time
	order wire.OrderID // "" of missed ones
}

func (p pending) id() told { return told{p.job.ID, p.run.Due, p.run.Order} }

// failures are those that are to be told.
func (s *Jobs) failures() []pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []pending
	for _, e := range s.entries {
		if !e.untold || e.job == nil || e.state == nil || e.state.Job != e.job.ID {
			continue
		}
		for _, r := range slices.Backward(e.state.History) {
			if r.Notify > 0 {
				list = append(list, pending{e.job, r})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b pending) int { return a.run.Ended.Compare(b.run.Ended) })
	return list
}

func (s *Jobs) tell(ctx context.Context, j *Job, r Run) error {
	f := Failure{
		Job: j.Name, Environment: j.Environment, App: j.App, Due: r.Due, Ended: r.Ended,
		Execution: r.Order, Tries: r.Try, Times: r.Times, Outcome: r.Outcome, ExitCode: r.ExitCode, Message: r.Message,
	}
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	timeout := notifyTimeout
	if j.Notify == Command {
		timeout = commandTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if j.Notify == Command {
		return execute(ctx, s.Command, body)
	}
	return post(ctx, j.Notify, body)
}

// courier follows no redirection: where a failure is told is the operator's choice.
var courier = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func post(ctx context.Context, to string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := courier.Do(r)
	if err != nil {
		return plain.WithoutURL(err)
	}
	defer a.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, 64<<10))
	if a.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", a.Status)
	}
	return nil
}
