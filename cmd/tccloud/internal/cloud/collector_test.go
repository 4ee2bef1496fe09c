package cloud

import "testing"

func TestRoomFor(t *testing.T) {
	const live = 100 << 20
	for name, tt := range map[string]struct {
		allocated uint64
		was, want int
	}{
		"nothing to do":      {1 << 20, workPercent, idlePercent},
		"still nothing":      {1 << 20, idlePercent, idlePercent},
		"some, after work":   {20 << 20, workPercent, workPercent},
		"some, after a rest": {20 << 20, idlePercent, idlePercent},
		"orders":             {50 << 20, idlePercent, workPercent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := roomFor(tt.allocated, live, tt.was); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	if h := heap(); h.allocated == 0 {
		t.Error("the runtime does not say what was allocated")
	}
}
