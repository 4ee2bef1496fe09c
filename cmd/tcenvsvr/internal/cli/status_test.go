package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/link"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// TestStatusIsOneLineEach: names are the cloud's word, and make no rows of their own.
func TestStatusIsOneLineEach(t *testing.T) {
	const name = "x\npolicy\tfine \x1b[2J"
	s := controlapi.Status{Status: agent.Status{ServerName: name, Orders: []agent.OrderStatus{
		{App: name, Version: name},
		{App: name, Service: &agent.ServiceStatus{Name: name, LastEnd: name, Ended: 1}},
	}}}
	var out strings.Builder
	if err := printStatus(&out, s); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "policy ") && strings.Contains(line, "fine") || strings.Contains(line, "\x1b") {
			t.Errorf("the cloud writes a row of its own: %q", line)
		}
	}
}

// TestStatusSaysWhatToTry: what is wrong, and below it what an administrator does about it.
func TestStatusSaysWhatToTry(t *testing.T) {
	for name, c := range map[string]struct {
		status controlapi.Status
		want   string
	}{
		"journal damaged": {controlapi.Status{Status: agent.Status{JournalDamage: "3 lines are gone"}},
			"was damaged and is mended: 3 lines are gone\n  hint: check the disk; orders that may have been lost are shown as interrupted by the cloud\n"},
		"journal gone": {controlapi.Status{Status: agent.Status{JournalLoss: "it was removed"}},
			"it was removed\n  hint: find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended\n"},
		"policy invalid": {controlapi.Status{Policy: controlapi.Policy{State: "invalid", Problem: "line 3"}},
			"EVERY ORDER IS DENIED: line 3\n  hint: mend it, then see \"tcenvsvr policy show\"; it counts at once\n"},
		"clock wrong": {controlapi.Status{Link: link.State{Connected: true, Skew: -time.Hour}},
			"WRONG here or in the cloud: the cloud's is 1h0m0s behind\n  hint: see that both hosts keep time (timedatectl, chronyc tracking)\n"},
	} {
		var out strings.Builder
		if err := printStatus(&out, c.status); err != nil {
			t.Fatal(err)
		}
		if got := columns.ReplaceAllString(out.String(), "  "); !strings.Contains(got, c.want) {
			t.Errorf("%s: got\n%s\nwant %q", name, got, c.want)
		}
	}
}

var columns = regexp.MustCompile(` {2,}`)
