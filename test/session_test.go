package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/stage"
)

// Agent and cloud are killed in turn: the session always comes back, with a higher epoch, also where the
// cloud moves to another broker, and a stop leaves nothing running.
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
			epoch = s.newSession(a, epoch)
			if transport == "" { // the other way is no different in this
				s.follows(c, a, epoch)
			}

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

// follows has the cloud name another broker, and move there. An administrator's setting wins.
func (s *scene) follows(c *stage.Cloud, a *stage.Agent, epoch int64) {
	s.t.Helper()
	old, other := c.Broker, freeAddress(s.t)
	c.Stop(20 * time.Second)
	s.must(c.Move(s.ctx, old, "--public-broker", old+","+other), "starting the cloud with another broker's name")
	epoch = s.newSession(a, epoch)
	s.prints(a, "status", other, "as the cloud named them")
	a.Kill() // it is on the disk
	c.Stop(20 * time.Second)
	s.must(c.Move(s.ctx, other, "--public-broker", other), "moving the cloud's broker")
	s.start(a)
	epoch = s.newSession(a, epoch)
	status, err := a.Status(s.ctx)
	s.must(err, "asking the agent")
	if status.Link.Broker != other {
		s.t.Errorf("connected to %s, want %s", status.Link.Broker, other)
	}
	_, port, _ := strings.Cut(other, ":")
	_, err = a.Do(s.ctx, "settings", "set", "brokerHost=localhost:"+port)
	s.must(err, "setting another broker")
	s.newSession(a, epoch)
	s.prints(a, "status", "connected to localhost:"+port, "which was set on this host; not used: "+other)
}
