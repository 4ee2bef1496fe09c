package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// serviceView is a service as the cloud shows it.
type serviceView struct {
	Phase    string `json:"phase"`
	URL      string `json:"url"`
	Token    string `json:"token"`
	Restarts int    `json:"restarts"`
	Instance *struct {
		Order  string `json:"order"`
		Server string `json:"server"`
	} `json:"instance"`
	Triggers []struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Problem string `json:"problem"`
	} `json:"triggers"`
	Ends []struct {
		Outcome string `json:"outcome"`
		Message string `json:"message"`
		Told    bool   `json:"told"`
	} `json:"ends"`
}

// serviceIs waits until a service is as it should be.
func (s *scene) serviceIs(c *stage.Cloud, name, doing string, good func(serviceView) bool) serviceView {
	s.t.Helper()
	var v serviceView
	s.eventually(doing, func() error {
		v = serviceView{}
		if err := c.JSON(s.ctx, &v, "service", "show", name); err != nil {
			return err
		}
		if !good(v) {
			return fmt.Errorf("the service is %+v", v)
		}
		return nil
	})
	return v
}

func isReady(v serviceView) bool { return v.Phase == "ready" }

// callers are a client that trusts the cloud's CA only.
func (s *scene) callers(c *stage.Cloud) *http.Client {
	s.t.Helper()
	pem, err := os.ReadFile(c.CA)
	s.must(err, "reading the cloud's CA")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 100}, Timeout: 6 * time.Minute}
}

type called struct {
	status int
	body   string
	header http.Header
}

// call makes a request with headers, which are names and values by turns.
func (s *scene) call(by *http.Client, method, url, token string, body []byte, headers ...string) called {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 6*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	s.must(err, "making a request")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := by.Do(r)
	if err != nil {
		return called{body: err.Error()}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.must(err, "reading an answer")
	return called{answer.StatusCode, string(text), answer.Header}
}

// startsOf counts how often the App of the instance has said that it is ready.
func (s *scene) startsOf(c *stage.Cloud, name string) (n int) {
	s.t.Helper()
	s.eventually("reading the App's output", func() error {
		text, err := c.Do(s.ctx, "service", "logs", name)
		if n = strings.Count(text, "ready "); err == nil && n == 0 {
			err = fmt.Errorf("got %q", text)
		}
		return err
	})
	return n
}

// TestAPIService: an API behind the firewall is called through the cloud; its process outlives the
// agent and the cloud, and it is started again when it ends.
func TestAPIService(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "service-api")
	a := s.agent(c, "lab", "one")
	var v serviceView
	s.must(c.JSON(s.ctx, &v, "service", "create", "lookup", "lab", "Test_-_Api_Service", "--call-timeout", "5m"), "creating a service")
	url, token := v.URL, v.Token
	s.serviceIs(c, "lookup", "waiting for the service", isReady)
	by := s.callers(c)

	if got := s.call(by, "GET", url+"/a/b?q=1", token, nil); got.status != 200 || !strings.Contains(got.body, `"path": "/a/b"`) || got.header.Get("X-Unicode") != "grüße" {
		t.Errorf("got %+v", got)
	}
	if got := s.call(by, "GET", url, "wrong", nil); got.status != 401 {
		t.Errorf("without the token: %+v", got)
	}
	s.exchanges(by, "lookup", url+"/echo", token, "", 201)

	starts := s.startsOf(c, "lookup")
	a.Kill()
	if got := s.call(by, "GET", url, token, nil); got.status != 502 && got.status != 504 {
		t.Errorf("without the agent: %+v", got)
	}
	s.start(a)
	answers := func(when string) {
		t.Helper()
		s.eventually("calling the service "+when, func() error {
			if got := s.call(by, "GET", url, token, nil); got.status != 200 {
				return fmt.Errorf("got %+v", got)
			}
			return nil
		})
	}
	answers("after the agent was killed")
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	answers("after the cloud was killed")
	if v := s.serviceIs(c, "lookup", "looking at the service", isReady); v.Restarts != 0 {
		t.Errorf("it was started again: %+v", v)
	}
	if now := s.startsOf(c, "lookup"); starts != 1 || now != 1 {
		t.Errorf("the App's process was started %d times, and now %d", starts, now)
	}

	// An App that ends is started again, one that is told to end is not.
	_, err := c.Do(s.ctx, "service", "edit", "lookup", "--param", "misbehave=quit", "--call-timeout", "2s")
	s.must(err, "changing the service")
	s.serviceIs(c, "lookup", "waiting for an end", func(v serviceView) bool { return v.Restarts >= 1 && v.Ends[0].Outcome == "failed" })
	_, err = c.Do(s.ctx, "service", "stop", "lookup")
	s.must(err, "stopping the service")
	s.serviceIs(c, "lookup", "waiting until it has stopped", func(v serviceView) bool { return v.Phase == "stopped" })
	if got := s.call(by, "GET", url, token, nil); got.status != 503 || !strings.Contains(got.body, "is not ready (stopped)") {
		t.Errorf("a service that is stopped: %+v", got)
	}
}

// TestTriggerService: what a trigger fires starts an App with the event's variables, once each, over
// kills of agent and cloud; a webhook gets its answer.
func TestTriggerService(t *testing.T) {
	t.Parallel()
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "service-trigger", "service-webhook", "noop")
	a := s.agent(c, "lab", "one")
	_, err := c.Do(s.ctx, "service", "create", "watch", "lab", "Test_-_Trigger_Service")
	s.must(err, "creating a service")
	_, err = c.Do(s.ctx, "trigger", "add", "watch", "tick", "--param", "trigger_input=grüße", "--param", "seconds=0.3", "--start", "Test_-_Noop")
	s.must(err, "adding a trigger")
	s.serviceIs(c, "watch", "waiting for the trigger", func(v serviceView) bool {
		return isReady(v) && len(v.Triggers) == 1 && v.Triggers[0].State == "active"
	})
	events := func(n int) []serviceEvent { return s.events(c, "watch", n) }
	events(3)
	a.Kill()
	s.start(a)
	n := len(events(1))
	events(n + 3)
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	n = len(events(1))
	_, err = c.Do(s.ctx, "service", "stop", "watch")
	s.must(err, "stopping the service")
	s.serviceIs(c, "watch", "waiting until it has stopped", func(v serviceView) bool { return v.Phase == "stopped" })
	list := events(n)
	onceEach(t, list, "tick")
	s.eventually("waiting for the Apps that were started", func() error {
		for _, e := range list {
			var x struct {
				State string `json:"state"`
			}
			if err := c.JSON(s.ctx, &x, "execution", "show", e.Started); err != nil || x.State != "succeeded" {
				return fmt.Errorf("%s is %s, %v", e.Started, x.State, err)
			}
		}
		return nil
	})

	_, err = c.Do(s.ctx, "service", "create", "hooks", "lab", "Test_-_Webhook_Service")
	s.must(err, "creating a service")
	var hook, firing struct {
		URL string `json:"url"`
	}
	s.must(c.JSON(s.ctx, &hook, "trigger", "add", "hooks", "answering", "--param", "trigger_input=x", "--param", "answer=got "), "adding a trigger")
	s.must(c.JSON(s.ctx, &firing, "trigger", "add", "hooks", "firing", "--param", "trigger_input=x"), "adding a trigger")
	_, err = c.Do(s.ctx, "trigger", "add", "hooks", "refused")
	if err == nil || !strings.Contains(err.Error(), `needs parameter "trigger_input"`) {
		t.Errorf("a trigger without its input: %v", err)
	}
	s.serviceIs(c, "hooks", "waiting for the triggers", func(v serviceView) bool {
		return isReady(v) && len(v.Triggers) == 2 && v.Triggers[0].State == "active" && v.Triggers[1].State == "active"
	})
	by := s.callers(c)
	if got := s.call(by, "POST", hook.URL, "", []byte("\xff\x00body")); got.status != 202 || got.body != "got \xff\x00body" || got.header.Get("X-Hook") != "yes" {
		t.Errorf("got %+v", got)
	}
	if got := s.call(by, "POST", firing.URL, "", nil); got.status != 200 || got.body != "" {
		t.Errorf("got %+v", got)
	}
	if got := s.call(by, "POST", hook.URL+"x", "", nil); got.status != 404 {
		t.Errorf("a wrong token: %+v", got)
	}
	_, err = c.Do(s.ctx, "trigger", "rm", "hooks", "answering")
	s.must(err, "removing a trigger")
	if got := s.call(by, "POST", hook.URL, "", nil); got.status != 404 {
		t.Errorf("a webhook that was removed: %+v", got)
	}
}
