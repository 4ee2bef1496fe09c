package test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/stage"
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

// secretsOf returns the secrets that enrollment gave to the agent.
func (s *scene) secretsOf(a *stage.Agent) []string {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's settings")
	password, err := os.ReadFile(a.Home + "-masterkey")
	s.must(err, "reading the agent's master password")
	chain, err := keychain.Open(p.Keychain)
	s.must(err, "opening the agent's keychain")
	s.must(chain.Unlock(password), "unlocking the agent's keychain")
	set, _, err := settings.Load(settings.Options{File: p.Settings, Unseal: chain.Unseal})
	s.must(err, "reading the agent's settings")
	secrets := []string{set.BrokerToken.Reveal(), set.AppDeliveryToken.Reveal(), set.KeystorePassword.Reveal()}
	if slices.Contains(secrets, "") {
		s.t.Fatal("a secret is missing after enrollment")
	}
	return secrets
}

// newSession waits for a session with a higher epoch and returns that.
func (s *scene) newSession(a *stage.Agent, after int64) int64 {
	s.t.Helper()
	var epoch int64
	s.eventually("waiting for a new session", func() error {
		status, err := a.Status(s.ctx)
		if err != nil {
			return err
		}
		if epoch = status.Link.Epoch; !status.Link.Connected || epoch <= after {
			return fmt.Errorf("connected: %v, epoch %d, want more than %d", status.Link.Connected, epoch, after)
		}
		return nil
	})
	return epoch
}
