package pulse

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pulse
		if p.Late() != 0 {
			t.Error("late without a promise")
		}
		p.Within(time.Minute)
		time.Sleep(time.Minute)
		if p.Late() != 0 {
			t.Error("late in time")
		}
		time.Sleep(time.Second)
		if got := p.Late(); got != time.Second {
			t.Errorf("late for %s; want 1 s", got)
		}
		p.Within(time.Minute)
		if p.Late() != 0 {
			t.Error("late after a new promise")
		}
		p.Rest()
		time.Sleep(time.Hour)
		if p.Late() != 0 {
			t.Error("late at rest")
		}
	})
}
