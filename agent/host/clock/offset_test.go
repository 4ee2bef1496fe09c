package clock

import (
	"testing"
	"time"
)

// TestOffset: the first disagreement is reported, then each change, at most once in Tolerated.
func TestOffset(t *testing.T) {
	var o Offset
	now := Epoch.Add(24 * time.Hour)
	for _, step := range []struct {
		after, skew time.Duration
		report      bool
		apart       bool
	}{
		{0, time.Second, false, false},
		{time.Second, 2 * Tolerated, true, true},
		{time.Second, 0, false, true}, // too soon
		{Tolerated, 0, true, false},
		{time.Second, -2 * Tolerated, false, false}, // too soon
		{Tolerated, -2 * Tolerated, true, true},
		{Tolerated, -2 * Tolerated, false, true}, // nothing new
	} {
		now = now.Add(step.after)
		report := o.Update(now.Add(step.skew).UnixMilli(), now, 0)
		if report != step.report || o.Apart() != step.apart || o.Skew != step.skew || !o.Known {
			t.Errorf("after %s with skew %s: reports %v, %+v", step.after, step.skew, report, o)
		}
	}
}
