package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// serverShown is what `tccloud server show --json` says of a conflict.
type serverShown struct {
	Session *struct {
		Host string `json:"host"`
	} `json:"session"`
	Serial string `json:"certificate_serial"`
	Twin   *struct {
		Holder struct {
			ID string `json:"id"`
		} `json:"holder"`
		Others []struct {
			ID string `json:"id"`
		} `json:"others"`
	} `json:"twin"`
}

func (s *scene) server(c *stage.Cloud, xid string) serverShown {
	s.t.Helper()
	var out serverShown
	s.must(c.JSON(s.ctx, &out, "server", "show", xid), "asking for the server")
	return out
}

// TestTwoHostsOneIdentity runs two agents with one identity, as a cloned machine would: the older
// keeps its session and its orders, both sides say it, an administrator chooses, and from then on
// the other's keys are worth nothing.
func TestTwoHostsOneIdentity(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	original := s.agent(c, "lab", "original", "--appsRunner", "none")
	original.Stop(20 * time.Second)
	clone, err := original.Copy("clone")
	s.must(err, "copying the home")
	copied, err := original.Copy("copied") // before any renewal
	s.must(err, "copying the home")
	s.start(original, "--appsRunner", "none")
	xid, err := original.Do(s.ctx, "settings", "get", "serverXid")
	s.must(err, "asking for the server's name")
	xid = strings.TrimSpace(xid)

	order := func(mark string, seconds float64) string {
		id, err := s.sleeper(c, "lab", mark, seconds)
		s.must(err, "giving an order")
		return id
	}
	running := order("runs", 3)
	s.eventually("waiting for the App to start", func() error { return s.appStarted("runs") })
	s.must(clone.Start("--appsRunner", "none"), "starting the clone")
	for _, a := range []*stage.Agent{original, clone} {
		s.prints(a, "doctor", "unenroll", "one host")
	}
	s.prints(clone, "status", "hello.identity_in_use", "two hosts run with one identity")
	s.prints(original, "status", "a second host runs as this server", "tccloud server show")
	s.must(logged(original, "another host runs with this server's identity and is kept out"), "reading the original's log")
	s.must(logged(clone, "the cloud keeps this one out"), "reading the clone's log")
	list, err := c.Do(s.ctx, "server", "list")
	s.must(err, "listing servers")
	show, err := c.Do(s.ctx, "server", "show", xid)
	s.must(err, "showing the server")
	if !strings.Contains(list, "connected, 2 HOSTS") || !strings.Contains(show, "CONFLICT") || !strings.Contains(show, "tccloud server keep "+xid) {
		t.Errorf("the cloud says:\n%s\n%s", list, show)
	}
	s.ranOnce(c, running, "runs")
	s.ranOnce(c, order("more", 0.1), "more")
	if status, err := original.Status(s.ctx); err != nil || !status.Link.Connected {
		t.Errorf("the original lost its session: %+v, %v", status, err)
	}

	// Killed, it is back at once, although the clone is knocking.
	original.Kill()
	s.start(original, "--appsRunner", "none")

	before := s.server(c, xid)
	if before.Twin == nil || len(before.Twin.Others) != 1 {
		t.Fatalf("the conflict is %+v", before.Twin)
	}
	if out, err := c.Do(s.ctx, "server", "keep", xid, "nosuch"); err == nil {
		t.Errorf("a host that is none was kept: %s", out)
	}
	// The administrator takes the clone for the server.
	_, err = c.Do(s.ctx, "server", "keep", xid, before.Twin.Others[0].ID)
	s.must(err, "choosing the clone")
	s.eventually("waiting for the clone's own certificate", func() error {
		if now := s.server(c, xid); now.Twin != nil || now.Session == nil || now.Serial == before.Serial {
			return fmt.Errorf("it is %+v", now)
		}
		return nil
	})
	s.must(clone.Connected(s.ctx), "waiting for the clone")
	s.prints(original, "status", "hello.client_certificate")
	s.ranOnce(c, order("moved", 0.1), "moved")
	s.waitIdle(original)

	// Whoever has a copy of the old keys neither gets in nor can revoke the server.
	original.Stop(20 * time.Second)
	out, err := s.tcenvsvr(copied, "unenroll", "--yes", "--master-key-file", copied.Home+"-masterkey")
	s.must(err, "unenrolling a copy: "+out)
	s.ranOnce(c, order("stays", 0.1), "stays")
}

// TestUnenrolledClone: a clone that is unenrolled does not take its original's membership with it.
func TestUnenrolledClone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.cloud("lab")
	original := s.agent(c, "lab", "original")
	clone, err := original.Copy("clone")
	s.must(err, "copying the home")
	s.must(clone.Start(), "starting the clone")
	s.prints(original, "status", "a second host runs as this server")
	clone.Stop(20 * time.Second)
	out, err := s.tcenvsvr(clone, "unenroll", "--yes", "--master-key-file", clone.Home+"-masterkey")
	s.must(err, "unenrolling the clone: "+out)
	if !strings.Contains(out, "only this host gives the identity up") {
		t.Errorf("unenroll said: %s", out)
	}
	s.eventually("waiting until the original hears that it is over", func() error {
		if out, _ := s.tcenvsvr(original, "status"); strings.Contains(out, "second host") {
			return errors.New(out)
		}
		return nil
	})
	status, err := original.Status(s.ctx)
	if err != nil || !status.Link.Connected {
		t.Errorf("the original: %+v, %v", status, err)
	}
	// Enrolled anew it is a server of its own.
	file := s.bundle(c, "lab", "own")
	out, err = s.tcenvsvr(clone, "enroll", file, "--yes", "--master-key-file", clone.Home+"-masterkey")
	s.must(err, "enrolling the clone: "+out)
	s.start(clone)
}
