package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFloodOfDenials: who sends orders that are denied cannot push the rest out of the log, also by orders that
// are denied each for another reason; and how many there were is said.
func TestFloodOfDenials(t *testing.T) {
	const each = 10_000
	for name, rule := range map[string]func(int) string{
		"equal":     func(int) string { return "apps" },
		"different": func(n int) string { return fmt.Sprint("rule ", n) },
	} {
		t.Run(name, func(t *testing.T) {
			l := Open(filepath.Join(t.TempDir(), "audit.jsonl"))
			now := time.Now()
			l.now = func() time.Time { return now }
			l.Record(AgentStarted)
			for n := range each { // a day
				l.Record(OrderDenied, "order", fmt.Sprint("o", n), "rule", rule(n))
				now = now.Add(24 * time.Hour / each)
			}
			l.Record(AgentStopped)
			text, err := os.ReadFile(l.path)
			if err != nil {
				t.Fatal(err)
			}
			lines, sum := strings.Count(string(text), `"act":"order_denied"`), 0
			for line := range strings.Lines(string(text)) {
				again := 0
				if _, rest, is := strings.Cut(line, `"repeated":`); is {
					_, _ = fmt.Sscanf(rest, "%d", &again)
				}
				sum += again
			}
			// A line is the first of its kind, or tells of others only.
			if first := strings.Count(string(text), `"order_denied"`) - strings.Count(string(text), `"repeated"`); first+sum != each {
				t.Errorf("%d and %d more are said, of %d", first, sum, each)
			}
			if most := map[string]int{"equal": 40, "different": 5000}[name]; lines > most {
				t.Errorf("%d lines, want at most %d", lines, most)
			}
			if !strings.Contains(string(text), `"order":"o0"`) {
				t.Error("the first is not said at once")
			}
		})
	}
}
