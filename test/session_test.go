package test

import (
	"fmt"
	"testing"
	"time"
)

// Agent and cloud are killed in turn: the session always comes back, with a higher epoch, and a
// stop leaves nothing running.
func TestSessionComesBackAfterEveryKill(t *testing.T) {
	for _, transport := range []string{"", "websocket"} {
		t.Run("transport "+transport, func(t *testing.T) {
			s := newScene(t)
			c := s.cloud("lab")
			a := s.agent(c, "lab", "one", "--queueTransport", transport, "--logLevel", "debug")
			epoch := s.newSession(a, 0)
			secrets := s.secretsOf(a)

			a.Kill()
			s.start(a, "--queueTransport", transport, "--logLevel", "debug")
			epoch = s.newSession(a, epoch)

			c.Kill()
			s.must(c.Restart(s.ctx), "starting the cloud again")
			s.newSession(a, epoch)

			if code := a.Stop(20 * time.Second); code != 0 {
				t.Errorf("agent after TERM: got exit code %d, want 0", code)
			}
			if code := c.Stop(20 * time.Second); code != 0 {
				t.Errorf("cloud after TERM: got exit code %d, want 0", code)
			}
			s.eventually("waiting for nothing to be left running", func() error { // a shim that waited hears the end, too
				if left := processesIn(s.Dir); len(left) > 0 {
					return fmt.Errorf("left running: %v", left)
				}
				return nil
			})
			s.silentAbout(secrets...)
		})
	}
}
