package clock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// requireSigned gives the agent a policy by which orders must be signed, and returns the key.
func (s *scene) requireSigned() (key string) {
	s.Helper()
	need.Root(s)
	dir, err := os.MkdirTemp("/run", "tc-clock-")
	if err != nil {
		s.Skipf("there is no folder that only root can write: %v", err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755), "making a folder for the policy")
	key = filepath.Join(s.Dir, "soc.key")
	_, err = stage.Command(s.ctx, nil, s.CloudBin, "key", "new", key)
	s.must(err, "making a key")
	public, err := signature.ReadPublicKey(key + ".pub")
	s.must(err, "reading a key")
	policy := filepath.Join(dir, "policy.yaml")
	s.must(os.WriteFile(policy, fmt.Appendf(nil, "version: 1\nsigners: {soc: [{key: %s}]}\norders: {signed: required}\nrules: [{allow: everything}]\n", public), 0o644), "writing a policy")
	long := time.Now().Add(-time.Hour)
	s.must(os.Chtimes(policy, long, long), "writing a policy")
	s.AgentEnv = append(s.AgentEnv, paths.PolicyVariable+"="+policy)
	return key
}

// signed gives a signed order and returns how it ended.
func (s *scene) signed(key string) (state wire.State, code, message string) {
	s.Helper()
	id, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Sleep@1.0.0", "--detach", "--param", "seconds=0", "--sign-key", key, "--sign-for", "24h")
	s.must(err, "giving an order")
	var e struct {
		State          wire.State
		Ended          bool
		Error, Message string
	}
	s.until("waiting for the end", func() error {
		if err := s.cloud.JSON(s.ctx, &e, "execution", "show", strings.TrimSpace(id)); err != nil || e.Ended {
			return err
		}
		return fmt.Errorf("it is %s", e.State)
	})
	return e.State, e.Error, e.Message
}

// The memory of signed orders begins when a clock is wrong, and follows it when that is set right.
func TestClockIsWrongWhenSignedOrdersBegin(t *testing.T) {
	t.Run("ahead", func(t *testing.T) {
		s := newScene(t)
		key := s.requireSigned()
		s.open()
		s.set("agent", time.Hour)
		s.join()
		s.set("agent", 0)
		if state, code, message := s.signed(key); state != wire.State(wire.Succeeded) {
			t.Errorf("it ended %s: %s %s; want it run", state, code, message)
		}
		s.restart("agent", func() {})
		s.connected()
		if state, code, message := s.signed(key); state != wire.State(wire.Succeeded) {
			t.Errorf("after a restart it ended %s: %s %s; want it run", state, code, message)
		}
	})
	t.Run("ahead until a restart", func(t *testing.T) {
		s := newScene(t)
		key := s.requireSigned()
		s.open()
		s.set("agent", time.Hour)
		s.join()
		s.restart("agent", func() { s.set("agent", 0) })
		s.connected()
		state, code, message := s.signed(key)
		if state != wire.State(wire.Rejected) || code != "order.replayed" || !strings.Contains(message, "move ") {
			t.Errorf("it ended %s: %s %s; want it rejected with what to do", state, code, message)
		}
		if out, err := s.agent.Do(s.ctx, "status"); err != nil || !strings.Contains(out, "this host's clock says") {
			t.Errorf("status does not say it: %v\n%s", err, out)
		}
		home, err := paths.New(s.agent.Home)
		s.must(err, "finding the journal")
		s.restart("agent", func() { s.must(os.Remove(filepath.Join(home.Journal, "signed-orders")), "moving the memory away") })
		s.connected()
		if state, code, message := s.signed(key); state != wire.State(wire.Succeeded) {
			t.Errorf("after that it ended %s: %s %s; want it run", state, code, message)
		}
	})
	t.Run("behind", func(t *testing.T) {
		s := newScene(t)
		key := s.requireSigned()
		s.open()
		s.set("agent", -time.Hour)
		s.join()
		s.set("agent", 0)
		s.set("cloud", -30*time.Minute) // so it is signed half an hour ago, perhaps before a disk was lost
		state, code, message := s.signed(key)
		if state != wire.State(wire.Rejected) || code != "order.replayed" || !strings.Contains(message, "before this server's memory") {
			t.Errorf("it ended %s: %s %s; want rejected, order.replayed", state, code, message)
		}
		s.set("cloud", 0)
		if state, code, message := s.signed(key); state != wire.State(wire.Succeeded) {
			t.Errorf("it ended %s: %s %s; want it run", state, code, message)
		}
	})
}

// A clock that goes ahead for a while has orders expire, and no new ones refused afterwards. (That
// what was forgotten meanwhile is refused: signed.TestForgetting.)
func TestClockIsSetMeanwhileOfSignedOrders(t *testing.T) {
	s := newScene(t)
	key := s.requireSigned()
	s.open()
	s.join()
	if state, code, message := s.signed(key); state != wire.State(wire.Succeeded) {
		t.Fatalf("it ended %s: %s %s; want it run", state, code, message)
	}
	s.set("agent", 48*time.Hour) // all that was signed is forgotten
	state, code, message := s.signed(key)
	if state != wire.State(wire.Rejected) || code != "order.signature" || !strings.Contains(message, "expired") {
		t.Errorf("two days later it ended %s: %s %s; want it expired", state, code, message)
	}
	s.set("agent", 0)
	state, code, message = s.signed(key)
	if state != wire.State(wire.Succeeded) {
		t.Errorf("it ended %s: %s %s; want it run", state, code, message)
	}
}
