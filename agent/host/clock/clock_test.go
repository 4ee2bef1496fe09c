package clock

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A step is told in either direction; time that only goes by is none.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var by atomic.Int64 // how far the wall clock is from the monotonic one
		w := New()
		w.apart = func() time.Duration { return time.Duration(by.Load()) }
		var steps []time.Duration
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- w.Run(ctx, func(d time.Duration) { steps = append(steps, d) })
		}()
		time.Sleep(time.Hour)
		if w.Steady() < time.Hour || !w.Trusted() {
			t.Error("an hour without a step is not counted")
		}
		before := time.Duration(0)
		for _, next := range []time.Duration{time.Hour, -24 * time.Hour, -24*time.Hour + 500*time.Millisecond, 0} {
			by.Store(int64(next))
			if stood := (next - before).Abs() < step; !stood && w.Trusted(0) {
				t.Error("a clock that was set a moment ago is trusted")
			}
			before = next
			time.Sleep(2 * every)
		}
		if w.Steady() > 4*every || w.Trusted() {
			t.Errorf("the clock counts as steady for %s after a step", w.Steady())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []time.Duration{time.Hour, -25 * time.Hour, 24*time.Hour - 500*time.Millisecond}
		if len(steps) != len(want) {
			t.Fatalf("got steps %v, want %v", steps, want)
		}
		for i := range want {
			if steps[i] != want[i] {
				t.Errorf("got steps %v, want %v", steps, want)
			}
		}
	})
}

func TestOthersDecide(t *testing.T) {
	w := New()
	for name, tt := range map[string]struct {
		skews []time.Duration
		want  bool
	}{
		"nobody, just started": {nil, false},
		"all agree":            {[]time.Duration{0, time.Second, -time.Minute}, true},
		"one of three is off":  {[]time.Duration{0, time.Hour, time.Second}, true},
		"all but one are off":  {[]time.Duration{0, -time.Hour, -time.Hour}, false},
		"as many as not":       {[]time.Duration{0, time.Hour}, false},
	} {
		if got := w.Trusted(tt.skews...); got != tt.want {
			t.Errorf("%s: trusted is %v", name, got)
		}
	}
	if !(*Watch)(nil).Trusted() {
		t.Error("without a watch the clock is not trusted")
	}
}

func TestTrue(t *testing.T) {
	now := Epoch.Add(time.Hour)
	for at, want := range map[time.Time]bool{Epoch.Add(-1): false, Epoch: true, now: true, now.Add(1): false} {
		if True(at, now) != want {
			t.Errorf("%s counts as true: %v", at, !want)
		}
	}
}
