package test

import (
	"fmt"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestServiceMoves: a service goes to another server when its own stays away, while its App runs on there with an
// agent that is frozen. When that agent is back, it ends the App, and what that has fired in vain is counted.
func TestServiceMoves(t *testing.T) {
	t.Parallel()
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab", "--heartbeat", "300ms", "--lease", "2s")
	s.add(c, "service-trigger", "noop")
	agents := map[string]*stage.Agent{}
	for _, name := range []string{"one", "two"} {
		agents[name] = s.agent(c, "lab", name)
	}
	var servers []struct{ XID, Name string }
	s.must(c.JSON(s.ctx, &servers, "server", "list"), "listing servers")
	nameOf := map[string]string{}
	for _, x := range servers {
		nameOf[x.XID] = x.Name
	}
	_, err := c.Do(s.ctx, "service", "create", "watch", "lab", "Test_-_Trigger_Service")
	s.must(err, "creating a service")
	_, err = c.Do(s.ctx, "trigger", "add", "watch", "tick", "--param", "trigger_input=x", "--param", "seconds=0.3", "--start", "Test_-_Noop")
	s.must(err, "adding a trigger")
	before := s.serviceIs(c, "watch", "waiting for the service", isReady)
	s.events(c, "watch", 2)
	first := agents[nameOf[before.Instance.Server]]
	if first == nil {
		t.Fatalf("the service is on server %q of %v", before.Instance.Server, nameOf)
	}
	s.must(first.Signal(syscall.SIGSTOP), "freezing the agent")
	after := s.serviceIs(c, "watch", "waiting for the service at the other server", func(v serviceView) bool {
		return isReady(v) && v.Instance.Server != before.Instance.Server
	})
	if after.Restarts != 1 || len(after.Ends) != 1 || after.Ends[0].Outcome != "interrupted" {
		t.Errorf("the service was moved as %+v", after)
	}
	of := func(order string) (list []serviceEvent) {
		for _, e := range s.events(c, "watch", 1) {
			if e.Order == order {
				list = append(list, e)
			}
		}
		return list
	}
	s.eventually("waiting for events of the other server", func() error {
		if n := len(of(after.Instance.Order)); n < 3 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	s.must(first.Signal(syscall.SIGCONT), "letting the agent go on")
	s.eventually("waiting until the agent has ended the App, and told what it left", func() error {
		status, err := first.Status(s.ctx)
		if err == nil && len(status.Orders) > 0 {
			err = fmt.Errorf("it has %+v", status.Orders)
		}
		return err
	})
	_, err = c.Do(s.ctx, "service", "stop", "watch")
	s.must(err, "stopping the service")
	s.serviceIs(c, "watch", "waiting until it has stopped", func(v serviceView) bool { return v.Phase == "stopped" })
	onceEach(t, of(after.Instance.Order), "tick")
	late, lost := of(before.Instance.Order), 0
	for i, e := range late {
		switch {
		case e.Seq != int64(len(late)-i) || e.Trigger != "tick" || e.Problem != "" || e.Lost > 1:
			t.Fatalf("event %d of %d is %+v", i, len(late), e)
		case e.Lost == 1:
			lost++
		}
		if (e.Lost == 1) != (e.Started == "") || e.Lost == 1 && i != lost-1 {
			t.Errorf("event %d of %d is %+v", i, len(late), e)
		}
	}
	if lost < 5 { // 2 s and more, three in a second
		t.Errorf("of %d events %d were lost", len(late), lost)
	}
}
