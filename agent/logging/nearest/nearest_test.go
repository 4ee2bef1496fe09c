package nearest_test

import (
	"strings"
	"testing"

	"tcenvsvr/agent/logging/nearest"
)

func TestOf(t *testing.T) {
	known := []string{"Organization", "Playbook", "System", strings.Repeat("x", 81)}
	for word, want := range map[string]string{
		"Orgnization": "Organization", "organisation": "Organization", "PLAYBOK": "Playbook", "Playbook": "Playbook",
		"job": "", "": "", "Sy": "", strings.Repeat("x", 81): "", strings.Repeat("x", 1<<20): "",
	} {
		if got := nearest.Of(word, known); got != want {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
	if got := nearest.Question("Playbok", known); got != `: did you mean "Playbook"?` {
		t.Errorf("got %q", got)
	}
}
