package jobs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(hhmm string) time.Time {
	t, err := time.Parse("15:04", hhmm)
	if err != nil {
		panic(err)
	}
	return noon.Truncate(24 * time.Hour).Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
}

func job(change ...func(*Job)) *Job {
	j := &Job{
		Name: "j", ID: "0123456789ab", Environment: "lab", App: "App", Schedule: "every 15m", Missed: Skip,
		Created: noon, Since: noon, Retries: 2, RetryDelayMS: 60_000,
	}
	for _, c := range change {
		c(j)
	}
	return j
}

// look does what the scheduler does with a State at a time.
func (s *State) look(j *Job, now time.Time) {
	s.correct(j, now)
	if d := s.due(j, now); d.n > 0 {
		s.decide(j, d, now)
	}
}

// said is a State in short.
func said(s *State) string {
	var b strings.Builder
	if s.Run != nil {
		fmt.Fprintf(&b, "%s %s try %d", s.Run.Due.Format("15:04"), s.Run.Why, s.Run.Try)
	}
	for _, r := range s.History {
		fmt.Fprintf(&b, " | %s %s", r.Due.Format("15:04"), r.Outcome)
		if r.Times > 0 {
			fmt.Fprintf(&b, " ×%d", r.Times)
		}
	}
	return b.String()
}

func TestDue(t *testing.T) {
	once := func(j *Job) { j.Missed = Once }
	for _, tc := range []struct {
		name string
		job  *Job
		at   []string
		want string
	}{
		{"not yet", job(), []string{"12:14"}, ""},
		{"due", job(), []string{"12:15"}, "12:15 schedule try 1"},
		{"a little late", job(), []string{"12:19"}, "12:15 schedule try 1"},
		{"missed", job(), []string{"12:29"}, " | 12:15 missed ×1"},
		{"missed, and the newest in time", job(), []string{"13:01"}, "13:00 schedule try 1 | 12:45 missed ×3"},
		{"missed many", job(), []string{"12:25", "13:10", "13:29"}, " | 13:15 missed ×5"},
		{"made good", job(once), []string{"13:10"}, "13:00 missed try 1"},
		{"still under way", job(), []string{"12:15", "12:30", "12:45"}, "12:15 schedule try 1 | 12:45 skipped ×2"},
		{"paused", job(func(j *Job) { j.Paused = true }), []string{"13:00"}, ""},
		{"on demand", job(func(j *Job) { j.Schedule = "" }), []string{"13:00"}, ""},
		{"resumed since", job(func(j *Job) { j.Since = at("12:31") }), []string{"12:32", "12:46"}, "12:45 schedule try 1"},
		{"the clock goes back", job(), []string{"12:15", "12:01", "12:16"}, "12:15 schedule try 1 | 12:15 skipped ×1"},
		{"written by a clock ahead", job(func(j *Job) { j.Since = at("23:00") }), []string{"12:16"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &State{Job: tc.job.ID}
			for _, now := range tc.at {
				s.look(tc.job, at(now))
			}
			if got := said(s); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A clock that was years ahead must not keep a Job from running for years.
func TestClockWasAhead(t *testing.T) {
	j, s := job(), &State{Job: "0123456789ab", Decided: noon.AddDate(3, 0, 0)}
	s.look(j, at("12:16"))
	if s.Run != nil {
		t.Fatal("what was due before this look was run")
	}
	s.look(j, at("12:30"))
	if got := said(s); got != "12:30 schedule try 1" {
		t.Errorf("got %q", got)
	}
}

func TestSettle(t *testing.T) {
	result := func(o wire.Outcome, code int, left map[string]string) *dispatch.Execution {
		return &dispatch.Execution{State: wire.State(o), Result: &wire.Result{Outcome: o, ExitCode: code, Message: "m", Results: left}}
	}
	left := map[string]string{"last_run": "2"}
	for _, tc := range []struct {
		name  string
		ends  []*dispatch.Execution
		want  string
		left  string
		order string // of the next try
	}{
		{"succeeded", []*dispatch.Execution{result(wire.Succeeded, 0, left)}, " | 12:15 succeeded", "2", ""},
		{"partial", []*dispatch.Execution{result(wire.Partial, 3, left)}, " | 12:15 partial", "2", ""},
		{"failed", []*dispatch.Execution{result(wire.Failed, 1, left)}, "12:15 schedule try 1", "1", ""},
		{"failed three times", []*dispatch.Execution{result(wire.Failed, 1, nil), result(wire.Failed, 1, nil), result(wire.Failed, 1, nil)}, " | 12:15 failed", "1", ""},
		{"failed, then not", []*dispatch.Execution{result(wire.Failed, 1, nil), result(wire.Succeeded, 0, left)}, " | 12:15 succeeded", "2", ""},
		{"never again", []*dispatch.Execution{result(wire.Failed, 4, nil)}, " | 12:15 failed", "1", ""},
		{"timed out", []*dispatch.Execution{result(wire.TimedOut, -1, nil)}, " | 12:15 timed_out", "1", ""},
		{"cancelled", []*dispatch.Execution{result(wire.Cancelled, -1, nil)}, " | 12:15 cancelled", "1", ""},
		{"nobody took it", []*dispatch.Execution{{State: wire.State(wire.Rejected), Reason: "too late"}}, "12:15 schedule try 1", "1", ""},
		{"refused by the server", []*dispatch.Execution{result(wire.Rejected, -1, nil)}, " | 12:15 rejected", "1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j, s := job(), &State{Job: "0123456789ab", Left: map[string]string{"last_run": "1"}}
			s.look(j, at("12:15"))
			orders := map[wire.OrderID]bool{}
			for i, e := range tc.ends {
				if i > 0 {
					if s.Run == nil || !s.Run.Again.Equal(at("12:16").Add(time.Minute)) {
						t.Fatalf("no try is to follow: %+v", s.Run)
					}
					s.again(j)
				}
				orders[s.Run.Order] = true
				s.settle(j, e, at("12:16"))
			}
			if got := said(s); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if s.Left["last_run"] != tc.left || len(orders) != len(tc.ends) {
				t.Errorf("left %q, want %q; %d orders for %d tries", s.Left, tc.left, len(orders), len(tc.ends))
			}
			for id := range orders {
				if !id.Valid() {
					t.Errorf("order id %q", id)
				}
			}
		})
	}
}

func TestNever(t *testing.T) {
	for schedule, want := range map[string]bool{"": false, "every 1m": false, "0 0 30 2 *": true, "once 2020-01-01T00:00": true, "once 2030-01-01T00:00": false} {
		if got := job(func(j *Job) { j.Schedule = schedule }).never(noon); got != want {
			t.Errorf("%q: %v", schedule, got)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := &State{}
	for i := range 3 * maxHistory {
		s.pass(Run{Order: wire.OrderID(fmt.Sprint(i)), Outcome: "succeeded"})
	}
	if len(s.History) != maxHistory || s.History[0].Order != "299" {
		t.Errorf("%d runs, the first is %s", len(s.History), s.History[0].Order)
	}
}

// A State fits into one message to the store, whatever runs leave.
func TestStateIsBounded(t *testing.T) {
	j, s := job(func(j *Job) { j.Retries = 0 }), &State{Job: "0123456789ab"}
	run := func(i int, left map[string]string) Run {
		s.begin(j, Demanded, noon.Add(time.Duration(i)*time.Second))
		s.settle(j, &dispatch.Execution{State: wire.State(wire.Succeeded), Result: &wire.Result{
			Outcome: wire.Succeeded, Message: strings.Repeat("\x01", 2048), Results: left,
		}}, noon)
		return s.History[0]
	}
	for i := range 2 * maxHistory {
		run(i, map[string]string{"a": fmt.Sprint(i) + strings.Repeat("<", 4<<10), "b": strings.Repeat("b", 20<<10)})
	}
	if data, err := json.Marshal(s); err != nil || len(data) > 900_000 {
		t.Errorf("the State has %d bytes, %v", len(data), err)
	}
	if !strings.HasPrefix(s.Left["a"], "199<") || s.History[0].Left["b"] == "" {
		t.Errorf("the newest is not kept: %.20q", s.Left["a"])
	}
	// What does not fit is not taken, not even in parts, and the history says so.
	if r := run(500, map[string]string{"a": "500", "c": strings.Repeat("c", 60<<10)}); r.Left != nil || !strings.Contains(r.Message, "not kept") {
		t.Errorf("of too much is kept: %.60q, %.60q", r.Left, r.Message)
	}
	if !strings.HasPrefix(s.Left["a"], "199<") {
		t.Errorf("got %.20q", s.Left["a"])
	}
}

// Years in which nobody looked do not take years to look at.
func TestLongAway(t *testing.T) {
	for _, schedule := range []string{"every 1m", "* * * * *", "* * 1 1 *"} {
		j, s := job(func(j *Job) { j.Schedule, j.Since = schedule, time.Unix(0, 0) }), &State{}
		began := time.Now()
		d := s.due(j, at("12:20"))
		if took := time.Since(began); took > time.Second || d.n != maxCounted {
			t.Errorf("%s: %d due times in %s", schedule, d.n, took)
		}
		want := at("12:20")
		if schedule == "* * 1 1 *" {
			want = time.Date(2026, 1, 1, 23, 59, 0, 0, time.UTC)
		}
		if !d.last.Equal(want) || !d.before.Equal(want.Add(-time.Minute)) || !d.next.After(at("12:20")) {
			t.Errorf("%s: %+v", schedule, d)
		}
	}
}

// TestVersionOfATry: each try of a run says its own version, which a release in between changes.
func TestVersionOfATry(t *testing.T) {
	j := job(func(j *Job) { j.Retries = 1 })
	s := &State{Job: j.ID}
	s.demand(j, time.Unix(1000, 0))
	e := &dispatch.Execution{State: wire.State(wire.Failed), Result: &wire.Result{Outcome: wire.Failed, ExitCode: 1}}
	e.App.Version = "1.0"
	s.settle(j, e, time.Unix(1001, 0))
	if s.Run == nil || s.Run.Version != "1.0" {
		t.Fatalf("after the first try: %+v", s.Run)
	}
	if s.again(j); s.Run.Version != "" {
		t.Errorf("the second try is said to run %s before it does", s.Run.Version)
	}
	e.App.Version = "1.1"
	if s.settle(j, e, time.Unix(1002, 0)); s.Run != nil || s.History[0].Version != "1.1" {
		t.Errorf("after the second try: %+v, %+v", s.Run, s.History)
	}
}
