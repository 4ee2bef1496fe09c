package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

const (
	// grace is how late a run may begin and still be that of its schedule: a gateway that restarts.
	grace = 5 * time.Minute
	// maxHistory is how many runs are remembered.
	maxHistory = 100
	// forgotten is when an order that the dispatcher does not know was not lost, but is too old to
	// be remembered.
	forgotten = 25 * 24 * time.Hour
	// neverAgain is the App's own word that another try would be of no use (contract §3).
	neverAgain = 4
)

// State is what became of a Job.
type State struct {
	Job string `json:"job"` // Job.ID
	// Decided: what was due up to then has been run or skipped.
	Decided time.Time `json:"decided"`
	Run     *Run      `json:"run,omitempty"`     // the one under way
	History []Run     `json:"history,omitempty"` // newest first
	// Left is what runs left for the next one, and what an operator set; it overrides Job.Params.
	Left map[string]string `json:"left,omitempty"`
}

// Why a run began.
type Why string

// Reasons.
const (
	Scheduled Why = "schedule"
	Demanded  Why = "demand"
	MadeGood  Why = "missed" // for due times at which no gateway ran
)

// Ends of runs beside those of [wire.Outcome].
const (
	Skipped = "skipped" // the run before was still under way
	Lost    = "missed"  // no gateway ran
	Refused = "refused" // no order could be made
	Unknown = "unknown" // the order is no longer remembered
)

// Run is one run, with all of its tries.
type Run struct {
	Due   time.Time    `json:"due"`
	Why   Why          `json:"why"`
	Try   int          `json:"try,omitempty"`      // 1 is the first
	Order wire.OrderID `json:"order,omitempty"`    // of this try
	Again time.Time    `json:"try_again,omitzero"` // when the next try begins
	Times int          `json:"times,omitempty"`    // how many due times were skipped or missed, up to Due
	Ended time.Time    `json:"ended,omitzero"`
	// Outcome is a [wire.Outcome] or one of the ends above; "" while the run is under way.
	Outcome  string            `json:"outcome,omitempty"`
	ExitCode *int              `json:"exit_code,omitempty"`
	Message  string            `json:"message,omitempty"`
	Left     map[string]string `json:"left,omitempty"` // results.tc
	// Notify is how often it was tried to notify that it failed; 0 = there is nothing to notify.
	Notify int `json:"notify,omitempty"`
}

// Failed reports whether a run ended and did not do what it should.
func (r *Run) Failed() bool {
	switch r.Outcome {
	case "", string(wire.Succeeded), Skipped, Lost, string(wire.Cancelled):
		return false
	}
	return true
}

// orderID is the id of a try's order, the same whoever makes it.
func orderID(job string, why Why, due time.Time, try int) wire.OrderID {
	return wire.OrderID(fmt.Sprintf("job-%s-%.1s%s-%d", job, why, strconv.FormatInt(due.Unix(), 36), try))
}

// clone returns a copy that can be changed.
func (s *State) clone() *State {
	c := *s
	if s.Run != nil {
		run := *s.Run
		c.Run = &run
	}
	c.History, c.Left = slices.Clone(s.History), maps.Clone(s.Left)
	return &c
}

// since is the time after which due times count.
func (s *State) since(j *Job, now time.Time) time.Time {
	if s.Decided.After(j.Since) || j.Since.After(now.Add(grace)) {
		return s.Decided
	}
	return j.Since
}

// correct has due times count from now on where a clock that was ahead has written something, and
// reports whether it did.
func (s *State) correct(j *Job, now time.Time) bool {
	if t := s.since(j, now); !t.IsZero() && !t.After(now.Add(grace)) {
		return false
	}
	s.Decided = now
	return true
}

// due are the times up to now at which a run should have begun, and which are not decided.
type due struct {
	n            int
	before, last time.Time // the last two
	next         time.Time // the first that is still to come
}

func (s *State) due(j *Job, now time.Time) due {
	var d due
	dues := j.dues()
	for d.next = dues.Next(s.since(j, now)); !d.next.IsZero() && !d.next.After(now); d.next = dues.Next(d.next) {
		d.before, d.last = d.last, d.next
		d.n++
	}
	return d
}

// decide notes that a time has come, and begins the run that is to begin, if any.
func (s *State) decide(j *Job, d due, now time.Time) {
	pass := func(due time.Time, times int, outcome, why string) {
		s.pass(Run{Due: due, Why: Scheduled, Times: times, Outcome: outcome, Ended: now, Message: why})
	}
	late := now.Sub(d.last) > grace
	switch {
	case s.Run != nil:
		pass(d.last, d.n, Skipped, "the run before it was still under way")
	case late && j.Missed == Skip:
		pass(d.last, d.n, Lost, "the cloud did not run")
	case late:
		s.begin(j, MadeGood, d.last)
		s.Run.Times = d.n
	default:
		if d.n > 1 {
			pass(d.before, d.n-1, Lost, "the cloud did not run")
		}
		s.begin(j, Scheduled, d.last)
	}
	s.Decided = d.last
}

// begin writes the intention down.
func (s *State) begin(j *Job, why Why, due time.Time) {
	s.Run = &Run{Due: due, Why: why, Try: 1, Order: orderID(j.ID, why, due, 1)}
}

// demand begins a run that somebody asked for. Its time, of which its order's id is made, was not
// that of an earlier one.
func (s *State) demand(j *Job, now time.Time) {
	for slices.ContainsFunc(s.History, func(r Run) bool { return r.Why == Demanded && r.Due.Equal(now) }) {
		now = now.Add(time.Second)
	}
	s.begin(j, Demanded, now)
}

// again begins the next try.
func (s *State) again(j *Job) {
	r := s.Run
	r.Try++
	r.Order, r.Again = orderID(j.ID, r.Why, r.Due, r.Try), time.Time{}
}

// refuse ends a run whose order could not be made, or is not known any more.
func (s *State) refuse(outcome, why string, now time.Time) {
	s.Run.Outcome, s.Run.Message = outcome, why
	s.end(now)
}

// settle notes the end of a try.
func (s *State) settle(j *Job, e *dispatch.Execution, now time.Time) {
	r := s.Run
	r.Outcome, r.Message, r.ExitCode = string(e.Outcome()), e.Reason, nil
	if e.Result != nil {
		code := e.Result.ExitCode
		r.ExitCode, r.Message = &code, e.Result.Message
		if o := e.Outcome(); o == wire.Succeeded || o == wire.Partial {
			r.Left = e.Result.Results
		}
	}
	if len(r.Left) > 0 {
		if s.Left == nil {
			s.Left = map[string]string{}
		}
		maps.Copy(s.Left, r.Left)
	}
	if r.Try <= j.Retries && mayTryAgain(e) {
		r.Again = now.Add(time.Duration(j.RetryDelayMS) * time.Millisecond)
		return
	}
	s.end(now)
}

// mayTryAgain reports whether another try could end better: the App failed and does not say that it
// always will, or nobody knows what became of it, or no server took the order.
func mayTryAgain(e *dispatch.Execution) bool {
	switch e.Outcome() {
	case wire.Failed:
		return e.Result == nil || e.Result.ExitCode != neverAgain
	case wire.Interrupted:
		return true
	case wire.Rejected:
		return e.Result == nil
	}
	return false
}

// end moves the run to the history.
func (s *State) end(now time.Time) {
	s.Run.Ended, s.Run.Again = now, time.Time{}
	if s.Run.Failed() {
		s.Run.Notify = 1
	}
	s.pass(*s.Run)
	s.Run = nil
}

// pass adds to the history. Times that were skipped one after the other are one entry.
func (s *State) pass(r Run) {
	if len(s.History) > 0 && r.Times > 0 && r.Order == "" {
		if last := &s.History[0]; last.Outcome == r.Outcome && last.Order == "" {
			last.Due, last.Times, last.Ended = r.Due, last.Times+r.Times, r.Ended
			return
		}
	}
	s.History = slices.Insert(s.History, 0, r)
	if len(s.History) > maxHistory {
		s.History = s.History[:maxHistory]
	}
}
