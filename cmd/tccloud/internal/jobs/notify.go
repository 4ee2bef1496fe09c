package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Failure is what is posted when a run has failed, as JSON. It has no parameters: they may be
// secret.
type Failure struct {
	Job         string       `json:"job"`
	Environment string       `json:"environment"`
	App         string       `json:"app"`
	Due         time.Time    `json:"due"`
	Ended       time.Time    `json:"ended"`
	Execution   wire.OrderID `json:"execution,omitempty"` // of the last try
	Tries       int          `json:"tries"`
	Outcome     string       `json:"outcome"`
	ExitCode    *int         `json:"exit_code,omitempty"`
	Message     string       `json:"message,omitempty"`
}

const (
	// maxNotify is how often it is tried to tell of one failure, for three hours in all.
	maxNotify     = 6
	notifyTimeout = 15 * time.Second
)

// notify tells of failures until ctx ends. That something was told is written down afterwards: after
// a crash it may be told twice.
func (s *Jobs) notify(ctx context.Context) error {
	rest := map[wire.OrderID]time.Time{} // not before
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !s.held() {
			continue
		}
		for _, p := range s.failures() {
			if time.Now().Before(rest[p.run.Order]) {
				continue
			}
			told := s.tell(ctx, p.job, p.run)
			if ctx.Err() != nil {
				return nil
			}
			tries := 0
			if told != nil {
				tries = p.run.Notify + 1
				rest[p.run.Order] = time.Now().Add(notifyPause(p.run.Notify))
				s.Logger.Warn("failure of a Job was not told", "job", p.job.Name, "order", p.run.Order, "try", p.run.Notify, "err", told)
			}
			if tries == 0 || tries > maxNotify { // it was told, or will not be
				delete(rest, p.run.Order)
				tries = 0
			}
			_, err := s.changeState(ctx, p.job.Name, func(_ *Job, st *State) error {
				for i := range st.History {
					if h := &st.History[i]; h.Order == p.run.Order && h.Due.Equal(p.run.Due) && h.Notify > 0 {
						h.Notify = tries
					}
				}
				return nil
			})
			if err != nil {
				s.Logger.Debug("that a failure was told is not noted", "job", p.job.Name, "err", err)
			}
		}
	}
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

// failures are those that are to be told.
func (s *Jobs) failures() []pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []pending
	for _, e := range s.entries {
		if e.job == nil || e.state == nil || e.state.Job != e.job.ID {
			continue
		}
		for _, r := range e.state.History {
			if r.Notify > 0 {
				list = append(list, pending{e.job, r})
			}
		}
	}
	return list
}

func (s *Jobs) tell(ctx context.Context, j *Job, r Run) error {
	f := Failure{
		Job: j.Name, Environment: j.Environment, App: j.App, Due: r.Due, Ended: r.Ended,
		Execution: r.Order, Tries: r.Try, Outcome: r.Outcome, ExitCode: r.ExitCode, Message: r.Message,
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	switch {
	case j.Notify != "":
		return post(ctx, j.Notify, f)
	case s.Notify != nil:
		return s.Notify(ctx, f)
	}
	return nil
}

// courier follows no redirection: where a failure is told is the operator's choice.
var courier = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func post(ctx context.Context, to string, f Failure) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := courier.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, 64<<10))
	if a.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", a.Status)
	}
	return nil
}
