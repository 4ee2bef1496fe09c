package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// settingsStatus is the part of status that settings change.
type settingsStatus struct {
	ServerName string `json:"server_name"`
	Executors  int    `json:"executors"`
	Settings   struct {
		RestartNeeded []string `json:"restart_needed"`
		Problem       string   `json:"problem"`
	} `json:"settings"`
}

// statusBecomes waits until the agent's status is as wanted.
func (s *scene) statusBecomes(a *stage.Agent, want string, is func(settingsStatus) bool) {
	s.t.Helper()
	s.eventually("waiting for "+want, func() error {
		var st settingsStatus
		text, err := a.Do(s.ctx, "status", "--json")
		if err == nil {
			err = json.Unmarshal([]byte(text), &st)
		}
		if err == nil && !is(st) {
			err = fmt.Errorf("status is %+v", st)
		}
		return err
	})
}

// TestSettingsOfARunningAgent changes the settings of an agent with an order in flight: by the file
// alone, by a signal, and from the command line. The order goes on in every new session; what is
// wrong changes nothing; what needs a restart says so and gets it.
func TestSettingsOfARunningAgent(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	_, err := s.sleeper(c, "lab", "live", 120)
	s.must(err, "giving an order")
	s.eventually("waiting for the App", func() error { _, err := os.Stat(s.markFile("live")); return err })
	epoch := s.newSession(a, 0)

	// The file alone.
	s.must(set(a, "appsNumberofJobExecutors", "3"), "changing the file")
	s.statusBecomes(a, "3 executors", func(st settingsStatus) bool { return st.Executors == 3 })

	// A signal, before the change of the file is noticed by itself.
	s.must(set(a, "appsNumberofJobExecutors", "4"), "changing the file")
	s.must(a.Signal(syscall.SIGHUP), "sending HUP")
	s.statusBecomes(a, "4 executors", func(st settingsStatus) bool { return st.Executors == 4 })

	// The command line, which returns when it is done; the session is a new one.
	_, err = a.Do(s.ctx, "settings", "set", "queueTransport=websocket")
	s.must(err, "setting queueTransport")
	epoch = s.newSession(a, epoch)
	status, err := a.Status(s.ctx)
	s.must(err, "asking for the status")
	if status.Link.Transport != "websocket" || len(status.Orders) != 1 {
		t.Errorf("got transport %q and %d orders, want websocket and the one that runs", status.Link.Transport, len(status.Orders))
	}

	epoch = s.throughProxies(a, epoch)
	_, err = a.Do(s.ctx, "settings", "set", "proxyTC=false")
	s.must(err, "setting proxyTC")
	epoch = s.newSession(a, epoch)
	if status, err = a.Status(s.ctx); err != nil || status.Link.Proxy != "" {
		t.Errorf("without proxyTC the agent connects through %q (%v)", status.Link.Proxy, err)
	}

	s.metricsFile(a)
	s.badSettings(a)
	s.restarted(c, a, epoch)
}

// throughProxies leads the agent through a proxy that wants a password, then through another.
func (s *scene) throughProxies(a *stage.Agent, epoch int64) int64 {
	s.t.Helper()
	for _, p := range []*proxytest.Proxy{
		proxytest.HTTP(s.t, proxytest.Options{Username: "ada", Password: "sesame-http"}),
		proxytest.SOCKS5(s.t, proxytest.Options{Username: "ada", Password: "sesame-socks5"}),
	} {
		u, err := url.Parse(p.URL())
		s.must(err, "reading the proxy's URL")
		s.must(set(a, "proxyTC", "true", "proxyHost", u.Scheme+"://"+u.Hostname(), "proxyPort", u.Port(),
			"proxyUsername", "ada", "proxyPassword", "sesame-"+u.Scheme), "changing the file")
		epoch = s.newSession(a, epoch)
		status, err := a.Status(s.ctx)
		s.must(err, "asking for the status")
		if !strings.Contains(status.Link.Proxy, u.Host) || len(p.Targets()) == 0 {
			s.t.Errorf("the agent connects through %q, the proxy saw %v; want %s", status.Link.Proxy, p.Targets(), u.Host)
		}
	}
	s.silentAbout("sesame-http", "sesame-socks5")
	return epoch
}

// metricsFile has the agent write its figures, then where it cannot, then nowhere.
func (s *scene) metricsFile(a *stage.Agent) {
	s.t.Helper()
	dir := s.t.TempDir()
	file, nowhere := filepath.Join(dir, "agent.prom"), filepath.Join(dir, "none", "agent.prom")
	s.must(set(a, "metricsFile", file), "changing the file")
	var text []byte
	s.eventually("waiting for the figures", func() (err error) { text, err = os.ReadFile(file); return err })
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	s.must(err, "reading the figures")
	for name, want := range map[string]float64{"tcenvsvr_link_connected": 1, "tcenvsvr_slots": 4, "tcenvsvr_slots_used": 1, "tcenvsvr_link_proxy": 0} {
		if got := families[name].GetMetric(); len(got) != 1 || got[0].Gauge.GetValue() != want {
			s.t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	s.must(err, "checking the figures")
	for _, p := range problems {
		s.t.Errorf("%s: %s", p.Metric, p.Text)
	}
	s.must(set(a, "metricsFile", nowhere), "changing the file")
	s.eventually("waiting for status and doctor to say that it cannot be written", func() error {
		status, err := a.Do(s.ctx, "status")
		if err == nil && !strings.Contains(status, nowhere+" is NOT written") {
			err = errors.New(status)
		}
		doctor, _ := a.Do(s.ctx, "doctor") // other checks may fail here
		if err == nil && (!strings.Contains(doctor, "is not written") || !strings.Contains(doctor, "make the folder")) {
			err = errors.New(doctor)
		}
		return err
	})
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("figures of before are still there: %v", err)
	}
	s.must(set(a, "metricsFile", ""), "changing the file")
	s.eventually("waiting for it to be given up", func() error {
		status, err := a.Do(s.ctx, "status")
		if err == nil && strings.Contains(status, "is NOT written") {
			err = errors.New(status)
		}
		return err
	})
}

// badSettings writes what no setting allows: the old ones stay.
func (s *scene) badSettings(a *stage.Agent) {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the settings")
	good, err := os.ReadFile(p.Settings)
	s.must(err, "reading the settings")
	for text, want := range map[string]string{
		strings.Replace(string(good), "appsNumberofJobExecutors: 4", "appsNumberofJobExecutors: 0", 1): `"appsNumberofJobExecutors" is "0"`,
		"":                              "it is empty",
		string(good) + "proxyHots: x\n": `did you mean "proxyHost"`,
	} {
		s.must(os.WriteFile(p.Settings, []byte(text), 0o600), "spoiling the file")
		s.statusBecomes(a, want, func(st settingsStatus) bool { return strings.Contains(st.Settings.Problem, want) && st.Executors == 4 })
		if out, err := a.Do(s.ctx, "status"); err != nil || !strings.Contains(out, "the newest are NOT used") {
			s.t.Errorf("status does not tell: %v\n%s", err, out)
		}
	}
	s.must(os.WriteFile(p.Settings, good, 0o600), "mending the file")
	s.statusBecomes(a, "no problem", func(st settingsStatus) bool { return st.Settings.Problem == "" })
}

// restarted changes what needs a restart, and how long a stop takes.
func (s *scene) restarted(c *stage.Cloud, a *stage.Agent, epoch int64) {
	s.t.Helper()
	_, err := a.Do(s.ctx, "settings", "set", "serverName=renamed", "drainSeconds=1")
	s.must(err, "setting serverName")
	s.statusBecomes(a, "a restart to be needed", func(st settingsStatus) bool {
		return st.ServerName != "renamed" && slices.Equal(st.Settings.RestartNeeded, []string{"serverName"})
	})
	if out, err := a.Do(s.ctx, "status"); err != nil || !strings.Contains(out, "changes of serverName take effect after a restart") {
		s.t.Errorf("status does not tell: %v\n%s", err, out)
	}
	begin := time.Now()
	if code := a.Stop(25 * time.Second); code != 0 || time.Since(begin) > 20*time.Second {
		s.t.Errorf("got exit code %d after %s, want 0 soon: drainSeconds is 1", code, time.Since(begin))
	}
	s.start(a, "--appsRunner", "none")
	s.newSession(a, epoch)
	s.statusBecomes(a, "the new name", func(st settingsStatus) bool { return st.ServerName == "renamed" && len(st.Settings.RestartNeeded) == 0 })
	if out, err := c.Do(s.ctx, "server", "list", "lab"); err != nil || !strings.Contains(out, "renamed") {
		s.t.Errorf("the cloud does not know the new name: %v\n%s", err, out)
	}
}
