package jobs_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// TestEditIsOneWrite: what is changed of a Job and of what its runs left counts at once, or not at
// all; over a run that ends in between, a restart and another edit.
func TestEditIsOneWrite(t *testing.T) {
	t.Parallel()
	c := gatewaytest.Start(t, gatewaytest.Options{})
	s := open(t, c)
	a := s.Agent("one", 4)
	s.create(t, job("feed"))
	kv := s.jobs.KV
	edit := func(e jobs.Edit, change func(*jobs.Job) error) jobs.View {
		t.Helper()
		v, err := s.jobs.Change(t.Context(), "feed", e, change)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	left := func(v jobs.View, want map[string]string) {
		t.Helper()
		if !maps.Equal(v.State.Left, want) {
			t.Errorf("left is %v, want %v", v.State.Left, want)
		}
	}
	status := func() uint64 {
		t.Helper()
		st, err := kv.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Values()
	}
	before := status()
	left(edit(jobs.Edit{Set: map[string]string{"last_run": "5", "x": "1"}}, func(j *jobs.Job) error { j.Schedule = "every 2h"; return nil }),
		map[string]string{"last_run": "5", "x": "1"})
	if n := status() - before; n != 0 { // the Job's own value was replaced, and no state was made
		t.Errorf("%d values more", n)
	}

	// The edit is there after a restart, for the run, and not again after it.
	s.stop()
	s = open(t, c)
	s.start(t, "feed")
	if o := work(a, ends(wire.Succeeded, map[string]string{"last_run": "6"})); o.Params["last_run"] != "5" || o.Params["x"] != "1" {
		t.Errorf("the run got %v", o.Params)
	}
	left(s.settled(t, "feed", 1), map[string]string{"last_run": "6", "x": "1"})

	// One while a run is under way, and one upon another.
	s.start(t, "feed")
	o := gatewaytest.Expect[*wire.Order](a)
	a.Send(&wire.Accepted{Ref: o.Ref})
	left(edit(jobs.Edit{Set: map[string]string{"y": "2"}, Forget: []string{"x"}}, same), map[string]string{"last_run": "6", "y": "2"})
	left(edit(jobs.Edit{Forget: []string{"y"}}, same), map[string]string{"last_run": "6"})
	r := gatewaytest.Result(o.Ref)
	r.Outcome, r.Results = wire.Succeeded, map[string]string{"last_run": "7"}
	a.Send(r)
	left(s.settled(t, "feed", 2), map[string]string{"last_run": "7"})

	// Nothing at all of one that is refused.
	for _, tt := range []struct {
		edit jobs.Edit
		want string
	}{
		{jobs.Edit{Forget: []string{"never"}}, `nothing of the name "never" was left by a run`},
		{jobs.Edit{Set: map[string]string{"x": strings.Repeat("x", 70<<10)}}, "what is left for the next run needs 71"},
	} {
		_, err := s.jobs.Change(t.Context(), "feed", tt.edit, func(j *jobs.Job) error { j.Schedule = "@daily"; return nil })
		if !errors.Is(err, jobs.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if _, err := s.jobs.Change(t.Context(), "feed", jobs.Edit{Set: map[string]string{"x": "3"}}, func(j *jobs.Job) error { j.Schedule = "hourly"; return nil }); !errors.Is(err, jobs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	v, err := s.jobs.Get(t.Context(), "feed")
	if err != nil || v.Job.Schedule != "every 2h" {
		t.Errorf("got %v, %v", v.Job, err)
	}
	left(v, map[string]string{"last_run": "7"})
}

func same(*jobs.Job) error { return nil }
