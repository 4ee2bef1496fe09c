package cli

import (
	"strings"
	"testing"

	"tcenvsvr/agent"
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
