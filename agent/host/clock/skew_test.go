package clock

import (
	"math"
	"testing"
	"time"
)

// TestSkew: whatever clock somebody claims, it can be counted with.
func TestSkew(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		theirs int64
		want   time.Duration
	}{
		{now.UnixMilli() + 1500, 1500 * time.Millisecond},
		{now.Add(-10 * 365 * 24 * time.Hour).UnixMilli(), -10 * 365 * 24 * time.Hour},
		{math.MinInt64, -farthest}, {math.MaxInt64, farthest}, {math.MinInt64 / 1000, -farthest}, {1, -now.Sub(time.UnixMilli(1))},
	} {
		got := Skew(tc.theirs, now, 0)
		if got != tc.want {
			t.Errorf("%d: %s, want %s", tc.theirs, got, tc.want)
		}
		for _, by := range []time.Duration{farthest, -farthest} { // this host's clock is set
			if sum := got - by; (sum > got) != (by < 0) {
				t.Errorf("%d: %s less %s is %s", tc.theirs, got, by, sum)
			}
		}
	}
}
