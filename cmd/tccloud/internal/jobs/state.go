package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/jobs/schedule"
)

const (
	// grace is how late a run may begin and still be that of its schedule: a gateway that restarts.
	grace = 5 * time.Minute
	// maxHistory is how many runs are remembered.
	maxHistory = 100
	// forgotten is when an order that the dispatcher does not know was not lost, but is too old to
	// be remembered.
	forgotten = 25 * 24 * time.Hour
	// maxMessage, maxLeft and maxHistoryLeft bound, in bytes, what is kept of a run's message, of what
	// is left for the next run, and of what all remembered runs left, the last two as JSON: a State
	// is one message to the store, of which a NATS server takes 1 MB.
	maxMessage     = 1024
	maxLeft        = 64 << 10
	maxHistoryLeft = 64 << 10
	// maxCounted bounds how many due times are looked at one by one.
	maxCounted = 1000
	// neverAgain is the App's own word that another try would be of no use (contract §3).
	neverAgain = 4
)

// State is what became of a Job.
type State struct {
	Job wire.JobID `json:"job"` // Job.ID
	// Decided: what was due up to then has been run or skipped.
	Decided time.Time `json:"decided"`
	Run     *Run      `json:"run,omitempty"`     // the one under way
	History []Run     `json:"history,omitempty"` // newest first
	// Left is what runs left for the next one, and what an operator set; it overrides Job.Params.
	Left map[string]string `json:"left,omitempty"`
	// Edits is the Edit.N of the last one that Left has.
	Edits int `json:"edits,omitempty"`
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
	Try   int          `json:"try,omitempty"`   // 1 is the first
	Order wire.OrderID `json:"order,omitempty"` // of this try
	// Version is the App's that was run; "" while the run is under way.
	Version string    `json:"version,omitempty"`
	Again   time.Time `json:"try_again,omitzero"` // when the next try begins
	Times   int       `json:"times,omitempty"`    // how many due times were skipped or missed, up to Due; not more than 1000 at once are counted
	Ended   time.Time `json:"ended,omitzero"`
	// Outcome is a [wire.Outcome] or one of the ends above; "" while the run is under way.
	Outcome  string `json:"outcome,omitempty"`
	ExitCode *int   `json:"exit_code,omitempty"`
	Message  string `json:"message,omitempty"`
	// Left is results.tc; the oldest runs lose it where all left more than 64 KiB.
	Left map[string]string `json:"left,omitempty"`
	// Notify is the next try to tell that it failed or was missed; 0 = there is nothing to tell.
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

// toTell has the run told where the Job says so.
func (r *Run) toTell(j *Job) {
	if j.Notify != "" {
		r.Notify = 1
	}
}

// orderID is the id of a try's order, the same whoever makes it, see [wire.OrderID.Job].
func orderID(job wire.JobID, why Why, due time.Time, try int) wire.OrderID {
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

// take changes Left as an operator said.
func (s *State) take(e *Edit) {
	left := maps.Clone(s.Left)
	if left == nil {
		left = map[string]string{}
	}
	for _, name := range e.Forget {
		delete(left, name)
	}
	maps.Copy(left, e.Set)
	s.Left, s.Edits = left, e.N
}

// editsOf is Edits of the Job's state as it is stored.
func (s *State) editsOf(j *Job) int {
	if s == nil || s.Job != j.ID {
		return 0
	}
	return s.Edits
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
	if !s.wrong(j, now) {
		return false
	}
	s.Decided = now
	return true
}

// wrong reports whether correct has something to do.
func (s *State) wrong(j *Job, now time.Time) bool {
	t := s.since(j, now)
	return t.IsZero() || t.After(now.Add(grace))
}

// next is the first time that is not decided; zero if there is none.
func (s *State) next(j *Job, now time.Time) time.Time { return j.dues().Next(s.since(j, now)) }

// due are the times up to now at which a run should have begun, and which are not decided.
type due struct {
	n            int       // not more than maxCounted
	before, last time.Time // the last two
	next         time.Time // the first that is still to come
}

func (s *State) due(j *Job, now time.Time) due {
	dues := j.dues()
	d := count(dues, s.since(j, now), now, maxCounted)
	if d.n < maxCounted {
		return d
	}
	// A cloud that was down for long, or a clock that was far behind: only the last ones matter.
	for back := time.Minute; ; back *= 2 {
		if late := count(dues, now.Add(-back), now, math.MaxInt); late.n > 1 {
			late.n = d.n
			return late
		}
	}
}

// count looks at up to most due times after since, up to now.
func count(dues schedule.Schedule, since, now time.Time, most int) due {
	var d due
	for d.next = dues.Next(since); !d.next.IsZero() && !d.next.After(now) && d.n < most; d.next = dues.Next(d.next) {
		d.before, d.last = d.last, d.next
		d.n++
	}
	return d
}

// decide notes that a time has come, and begins the run that is to begin, if any.
func (s *State) decide(j *Job, d due, now time.Time) {
	pass := func(due time.Time, times int, outcome, why string) {
		r := Run{Due: due, Why: Scheduled, Times: times, Outcome: outcome, Ended: now, Message: why}
		if outcome == Lost {
			r.toTell(j)
		}
		s.pass(r)
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
	r.Order, r.Again, r.Version = orderID(j.ID, r.Why, r.Due, r.Try), time.Time{}, ""
}

// refuse ends a run whose order could not be made, or is not known any more.
func (s *State) refuse(j *Job, outcome, why string, now time.Time) {
	s.Run.Outcome, s.Run.Message = outcome, why
	s.end(j, now)
}

// settle notes the end of a try.
func (s *State) settle(j *Job, e *dispatch.Execution, now time.Time) {
	r := s.Run
	r.Outcome, r.Message, r.ExitCode, r.Version = string(e.Outcome()), e.Reason, nil, e.App.Version
	if e.Result != nil {
		code := e.Result.ExitCode
		r.ExitCode, r.Message = &code, e.Result.Message
		if o := e.Outcome(); o == wire.Succeeded || o == wire.Partial {
			s.leave(e.Result.Results)
		}
	}
	if r.Try <= j.Retries && mayTryAgain(e) {
		r.Again = now.Add(time.Duration(j.RetryDelayMS) * time.Millisecond)
		return
	}
	s.end(j, now)
}

// leave takes what a run left, all of it or nothing.
func (s *State) leave(left map[string]string) {
	if len(left) == 0 {
		return
	}
	all := maps.Clone(s.Left)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, left)
	if n := size(all); n > maxLeft {
		s.Run.Message = plain.Head(fmt.Sprintf("what it left is not kept: that makes %d bytes, at most %d are; %s", n, maxLeft, s.Run.Message), maxMessage)
		return
	}
	s.Left, s.Run.Left = all, left
}

// size is how much of a State's record values need.
func size(m map[string]string) int {
	if len(m) == 0 {
		return 0
	}
	data, _ := json.Marshal(m) // maps of texts can be written
	return len(data)
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
func (s *State) end(j *Job, now time.Time) {
	s.Run.Ended, s.Run.Again = now, time.Time{}
	if s.Run.Failed() {
		s.Run.toTell(j)
	}
	s.pass(*s.Run)
	s.Run = nil
}

// pass adds to the history. Times that were skipped one after the other are one entry.
func (s *State) pass(r Run) {
	r.Message = plain.Head(r.Message, maxMessage)
	if len(s.History) > 0 && r.Times > 0 && r.Order == "" {
		if last := &s.History[0]; last.Outcome == r.Outcome && last.Order == "" && (last.Notify > 0) == (r.Notify > 0) {
			last.Due, last.Times, last.Ended = r.Due, last.Times+r.Times, r.Ended
			last.Notify = r.Notify
			return
		}
	}
	s.History = slices.Insert(s.History, 0, r)
	if len(s.History) > maxHistory {
		s.History = s.History[:maxHistory]
	}
	sum := 0
	for i := range s.History {
		if sum += size(s.History[i].Left); sum > maxHistoryLeft {
			s.History[i].Left = nil
		}
	}
}

// untold reports whether a failure is to be told.
func (s *State) untold() bool {
	return slices.ContainsFunc(s.History, func(r Run) bool { return r.Notify > 0 })
}
