package janitor

import "testing"

// TestOwnSessions: what the agent does for itself is no finished job that has to make room.
func TestOwnSessions(t *testing.T) {
	for session, want := range map[string]bool{
		Build + "x": false, Probe + "x": false, guest + "x": false, trash + "x": false, "0190-ab.1": true, "builder.1": true,
	} {
		if got := (Janitor{}).isFinished(session, func(string) bool { return false }); got != want {
			t.Errorf("%q: got %v, want %v", session, got, want)
		}
	}
}
