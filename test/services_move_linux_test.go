package test

import (
	"fmt"
	"strings"
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

// TestServicesHaveRoom: a server takes as many services as its settings say, beside its jobs; the cloud says which
// service waits for room, and gives it the room that another one leaves.
func TestServicesHaveRoom(t *testing.T) {
	t.Parallel()
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "service-api", "noop")
	a := s.agent(c, "lab", "one", "--appsNumberofServices", "2", "--appsNumberofJobExecutors", "1")
	names := []string{"first", "second", "third"}
	for _, name := range names[:2] {
		_, err := c.Do(s.ctx, "service", "create", name, "lab", "Test_-_Api_Service")
		s.must(err, "creating a service")
		s.serviceIs(c, name, "waiting for the service", isReady)
	}
	_, err := c.Do(s.ctx, "service", "create", "third", "lab", "Test_-_Api_Service")
	s.must(err, "creating a service")
	s.eventually("waiting until the cloud says that there is no room", func() error {
		out, err := c.Do(s.ctx, "service", "list")
		if want := "no room for one more service (setting appsNumberofServices) at one"; err == nil && strings.Count(out, want) != 1 {
			err = fmt.Errorf("it says %q", out)
		}
		return err
	})
	_, err = c.Do(s.ctx, "run", "lab", "Test_-_Noop")
	s.must(err, "running an App beside services")
	out, err := a.Do(s.ctx, "status")
	s.must(err, "asking the agent")
	if !strings.Contains(out, "2 of 2") || !strings.Contains(out, "ready for") {
		t.Errorf("the agent's status is %s", out)
	}
	_, err = c.Do(s.ctx, "service", "stop", "first")
	s.must(err, "stopping a service")
	s.serviceIs(c, "third", "waiting for the service", isReady)
}
