package test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

type serviceEvent struct {
	Trigger string `json:"trigger"`
	Started string `json:"started"`
	Problem string `json:"problem"`
	Order   string `json:"order"`
	Seq     int64  `json:"seq"`
	Lost    int64  `json:"lost"`
}

// events waits until a service has so many.
func (s *scene) events(c *stage.Cloud, name string, n int) (list []serviceEvent) {
	s.t.Helper()
	s.eventually(fmt.Sprint("waiting for event ", n), func() error {
		list = nil
		err := c.JSON(s.ctx, &list, "service", "events", name, "-n", "1000")
		if err == nil && len(list) < n {
			err = fmt.Errorf("there are %d", len(list))
		}
		return err
	})
	return list
}

// onceEach checks that the events, newest first, are of one instance, and that none is missing or there twice.
func onceEach(t *testing.T, list []serviceEvent, trigger string) {
	t.Helper()
	for i, e := range list {
		if e.Seq != int64(len(list)-i) || e.Trigger != trigger || e.Order != list[0].Order || e.Lost != 0 || e.Problem != "" {
			t.Fatalf("event %d of %d is %+v", i, len(list), e)
		}
	}
}

// appPID returns the process of a service's App, by its own words.
func (s *scene) appPID(c *stage.Cloud, name string) string {
	s.t.Helper()
	out, err := c.Do(s.ctx, "service", "logs", name)
	s.must(err, "reading the App's output")
	if strings.Count(out, "ready ") != 1 {
		s.t.Fatalf("the App of service %q has printed %q", name, out)
	}
	return strings.TrimSpace(out)
}

// TestServiceOutlives: services do not notice that their agent updates itself, nor that it has no link for longer
// than the cloud waits for it (five minutes with TCENVSVR_LONG=1): their processes are the same, no call hangs,
// and each event comes once.
func TestServiceOutlives(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	lease, away := "2s", 10*time.Second
	if os.Getenv("TCENVSVR_LONG") == "1" {
		lease, away = "90s", 5*time.Minute
	}
	c := s.cloud("lab", "--heartbeat", "300ms", "--lease", lease)
	s.add(c, "service-api", "service-trigger")
	updates, err := c.NewUpdates()
	s.must(err, "making an update repository")
	r := newRelay(t, "127.0.0.1:0", c.Broker)
	flags := []string{"--brokerHost", r.addr()}
	a, err := c.Enroll(s.ctx, "lab", "one", flags...)
	s.must(err, "enrolling")
	s.must(a.Launch(append(flags, "--relaySystemInfoPublishSeconds", "5")...), "launching the agent")
	s.must(a.Connected(s.ctx), "waiting for the session")

	const timeout = 3 * time.Second
	var v serviceView
	s.must(c.JSON(s.ctx, &v, "service", "create", "lookup", "lab", "Test_-_Api_Service", "--call-timeout", timeout.String()), "creating a service")
	url, token := v.URL, v.Token
	_, err = c.Do(s.ctx, "service", "create", "watch", "lab", "Test_-_Trigger_Service")
	s.must(err, "creating a service")
	_, err = c.Do(s.ctx, "trigger", "add", "watch", "tick", "--param", "trigger_input=x", "--param", "seconds=0.5")
	s.must(err, "adding a trigger")
	by := s.callers(c)
	names := []string{"lookup", "watch"}
	pids := map[string]string{}
	for _, name := range names {
		s.serviceIs(c, name, "waiting for the service", isReady)
	}
	s.events(c, "watch", 1)
	for _, name := range names {
		pids[name] = s.appPID(c, name)
	}
	// call returns the status, and fails if it took longer than a call may take, with something for a loaded machine.
	call := func(path string) int {
		t.Helper()
		begin := time.Now()
		got := s.call(by, "GET", url+path, token, nil)
		if took := time.Since(begin); took > timeout+10*time.Second {
			t.Errorf("a call took %s", took)
		}
		return got.status
	}
	same := func(after string) {
		t.Helper()
		s.eventually("calling the service "+after, func() error {
			if status := call("/"); status != 200 {
				return fmt.Errorf("it was answered with %d", status)
			}
			return nil
		})
		s.events(c, "watch", len(s.events(c, "watch", 1))+3)
		for _, name := range names {
			if v := s.serviceIs(c, name, "looking at the service", isReady); v.Restarts != 0 || len(v.Ends) != 0 {
				t.Errorf("%s: service %q has ended: %+v", after, name, v)
			}
			if pid := s.appPID(c, name); pid != pids[name] {
				t.Errorf("%s: the App of service %q is %s and was %s", after, name, pid, pids[name])
			}
		}
	}
	same("at first")

	next := filepath.Join(s.Dir, "next", "tcenvsvr")
	s.must(s.Release(s.ctx, stage.NextVersion, next), "making a release")
	_, err = updates.Publish(s.ctx, stage.NextVersion, next)
	s.must(err, "publishing the release")
	_, err = c.Do(s.ctx, "release", "rollout", stage.NextVersion, "--percent", "100", "--max-failures", "0")
	s.must(err, "rolling out the release")
	s.must(a.Updated(s.ctx, stage.NextVersion), "waiting for the update")
	s.must(a.Connected(s.ctx), "waiting for the new version's session")
	same("after the update")

	r.freeze(up, down) // what is under way notices nothing
	if status := call("/"); status != http.StatusGatewayTimeout && status != http.StatusBadGateway {
		t.Errorf("a call over a link that is frozen was answered with %d", status)
	}
	address := r.addr()
	r.close()
	for begin := time.Now(); time.Since(begin) < away; time.Sleep(time.Second) {
		if status := call("/"); status != http.StatusBadGateway {
			t.Errorf("a call without link was answered with %d", status)
		}
	}
	newRelay(t, address, c.Broker)
	s.must(a.Connected(s.ctx), "waiting for a session after the outage")
	same("after the outage")

	_, err = c.Do(s.ctx, "service", "stop", "watch")
	s.must(err, "stopping the service")
	s.serviceIs(c, "watch", "waiting until it has stopped", func(v serviceView) bool { return v.Phase == "stopped" })
	onceEach(t, s.events(c, "watch", 1), "tick")
	if code := a.Stop(30 * time.Second); code != 0 {
		t.Errorf("launcher after TERM: exit code %d", code)
	}
}
