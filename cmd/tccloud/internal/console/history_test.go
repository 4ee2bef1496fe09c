package console_test

import (
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// TestHistory: each span has its bars, a table with the same, and means that count as what they are
// means of.
func TestHistory(t *testing.T) {
	r := filled(t)
	end := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	r.api.hours = nil
	for i := range 720 {
		h := v1.Hour{From: end.Add(time.Duration(i-719) * time.Hour)}
		switch i {
		case 719:
			h.Messages, h.QueueWaitMS = 30, 10
		case 718:
			h.Messages, h.QueueWaitMS = 10, 50
		}
		r.api.hours = append(r.api.hours, h)
	}
	c := r.signedIn(access.Viewer)
	for query, want := range map[string]struct {
		bars  int
		texts []string
	}{
		"":             {24, []string{"2026-11-30 08:00 UTC: 30<", "2026-11-30 07:00 UTC: 50 ms<", "at most <span data-most>30<", "At most 50 ms, from 2026-11-30 07:00 UTC; 10 ms at last."}},
		"?hours=168":   {28, []string{"2026-11-30 03:00 UTC: 40<", "2026-11-30 03:00 UTC: 20 ms<"}},
		"?hours=720":   {30, []string{"2026-11-29 09:00 UTC: 40<", `data-history="history/lab@720"`}},
		"?hours=1e9":   {24, []string{"2026-11-30 08:00 UTC: 30<"}},
		"?hours=-1%27": {24, nil},
	} {
		body := text(t, r.get(c, "environments/lab"+query))
		if n := strings.Count(body, `"><title>2026-`); n != 5*want.bars {
			t.Errorf("%q: %d bars; want 5 times %d", query, n, want.bars)
		}
		if n := strings.Count(body, `data-values="wait"`); n != want.bars {
			t.Errorf("%q: %d rows of the table; want %d", query, n, want.bars)
		}
		for _, w := range want.texts {
			if !strings.Contains(body, w) {
				t.Errorf("%q: there is no %q in\n%s", query, w, body)
			}
		}
	}
	r.api.change(func() { r.api.hours = nil })
	if body := text(t, r.get(c, "environments/lab")); !strings.Contains(body, "Executions today") || strings.Contains(body, "data-history") {
		t.Errorf("without a history:\n%s", body)
	}
}
