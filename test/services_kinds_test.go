package test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// exchanges calls a service that answers with the body of a request, after prefix: with bodies of all sizes that
// are possible, and many at once.
func (s *scene) exchanges(by *http.Client, name, url, token, prefix string, status int) {
	s.t.Helper()
	large := make([]byte, 5<<20)
	_, _ = rand.Read(large)
	for what, body := range map[string][]byte{"empty": nil, "binary": []byte("\xff\x00\r\n\x80body"), "text": []byte("grüße"), "large": large[:len(large)-1], "largest": large} {
		if got := s.call(by, "POST", url, token, body, "X-In", "grüße ☃"); got.status != status || got.body != prefix+string(body) || got.header.Get("X-Out") != "grüße ☃" {
			s.t.Errorf("%s: %s body: status %d, %d bytes %.200q, header %q", name, what, got.status, len(got.body), got.body, got.header.Get("X-Out"))
		}
	}
	if got := s.call(by, "POST", url, token, append(large, 0)); got.status != 413 {
		s.t.Errorf("%s: a body that is too large: %d %.200q", name, got.status, got.body)
	}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if got := s.call(by, "POST", url, token, fmt.Append(nil, "number ", i)); got.status != status || got.body != fmt.Sprint(prefix, "number ", i) {
				s.t.Errorf("%s: call %d of many: %d %.200q", name, i, got.status, got.body)
			}
		})
	}
	wg.Wait()
}

// TestServiceKinds: services of each kind that is called answer, whatever MQTT client they have: TcEx 4's way to
// use it, paho-mqtt 1.x over MQTT 3.1 and 3.1.1 as in TcEx 2 and 3, and one in Java.
func TestServiceKinds(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.agent(c, "lab", "one", "--appsNumberofServices", "8")
	by := s.callers(c)
	for _, k := range []struct {
		name, app, title string
		args             []string
	}{
		{"feed", "service-feed", "Test_-_Feed_Service", nil},
		{"paho-3-1-1", "service-paho", "Test_-_Paho_Service", nil},
		{"paho-3-1", "service-paho", "Test_-_Paho_Service", []string{"--param", "protocol=3.1"}},
		{"java", "service-java", "Test_-_Java_Service", nil},
	} {
		t.Run(k.name, func(t *testing.T) {
			s := s.withT(t)
			if _, err := apps.Files(k.app); !need.CI() && (errors.Is(err, apps.ErrNoJDK) || errors.Is(err, apps.ErrNoLibraries)) {
				t.Skip(err)
			}
			s.add(c, k.app)
			var v serviceView
			s.must(c.JSON(s.ctx, &v, append([]string{"service", "create", k.name, "lab", k.title, "--call-timeout", "5m"}, k.args...)...), "creating a service")
			url, token := v.URL, v.Token
			s.serviceIs(c, k.name, "waiting for the service", isReady)
			s.exchanges(by, k.name, url+"/echo", token, "", 201)
			_, err := c.Do(s.ctx, "service", "stop", k.name)
			s.must(err, "stopping the service")
			v = s.serviceIs(c, k.name, "waiting until it has stopped", func(v serviceView) bool { return v.Phase == "stopped" })
			if len(v.Ends) != 1 || !v.Ends[0].Told || v.Ends[0].Outcome != "cancelled" || !strings.Contains(v.Ends[0].Message, "Success") {
				t.Errorf("it has ended as %+v", v.Ends)
			}
		})
	}
	t.Run("webhook", func(t *testing.T) {
		s := s.withT(t)
		s.add(c, "service-webhook")
		_, err := c.Do(s.ctx, "service", "create", "hooks", "lab", "Test_-_Webhook_Service", "--call-timeout", "5m")
		s.must(err, "creating a service")
		var hook struct {
			URL string `json:"url"`
		}
		s.must(c.JSON(s.ctx, &hook, "trigger", "add", "hooks", "answering", "--param", "trigger_input=x", "--param", "answer=got "), "adding a trigger")
		s.serviceIs(c, "hooks", "waiting for the trigger", func(v serviceView) bool {
			return isReady(v) && len(v.Triggers) == 1 && v.Triggers[0].State == "active"
		})
		s.exchanges(by, "hooks", hook.URL, "", "got ", 202)
	})
}
