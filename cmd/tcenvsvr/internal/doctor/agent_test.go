package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/test/need"
)

// says is what a finding must have: its verdict, and parts of what was found and of what to try.
type says struct {
	Verdict
	found, try string
}

func (w says) check(t *testing.T, name string, got Finding) {
	t.Helper()
	if got.Verdict != w.Verdict || !strings.Contains(got.Found, w.found) || !strings.Contains(got.Try, w.try) {
		t.Errorf("%s: %+v; want %s: %q, try %q", name, got, w.Verdict, w.found, w.try)
	}
}

// agentAnswers has an agent's socket answer at the home until the test ends: with the status, or with an
// error while there is none.
func agentAnswers(t *testing.T, c Config) *atomic.Pointer[controlapi.Status] {
	t.Helper()
	var now atomic.Pointer[controlapi.Status]
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- control.Serve(ctx, c.Paths.Control, control.Handlers{"GET status": func(context.Context, []byte) (any, error) {
			if s := now.Load(); s != nil {
				return s, nil
			}
			return nil, errors.New("the status is stuck")
		}})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); errors.Is(control.Call(ctx, c.Paths.Control, "GET", "status", nil, nil), control.ErrNotRunning); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the socket does not answer")
		}
	}
	return &now
}

// TestWhatARunningAgentSays: what an agent says of itself becomes a finding with what to try.
func TestWhatARunningAgentSays(t *testing.T) {
	c := installation(t, map[string]string{"metricsFile": filepath.Join(t.TempDir(), "x.prom"), "appsJavaHome": "/nonexistent", "appsPythonHome311": "/nonexistent"})
	now, host := agentAnswers(t, c), CheckHost(t.Context(), c)
	for _, row := range []struct {
		status *controlapi.Status
		want   map[string]says
	}{
		{nil, map[string]says{
			"agent/running": {Failed, "it does not answer: the status is stuck", "see its log; restart it"},
		}},
		{&controlapi.Status{
			Link: link.State{Broker: "broker.example:62000"},
			Status: agent.Status{
				Outbox: 2, JournalDamage: "3 lines of 0001.log",
				Unfit:       &fitness.Problem{Code: fitness.NoSpace, Message: "no space left", Since: time.Now().Add(-time.Minute)},
				DamagedApps: []app.Damage{{App: "A_v1", What: "run.py is not what was downloaded"}},
			},
			Settings: controlapi.Settings{OtherProxy: &settings.OtherProxy{Variable: "HTTPS_PROXY", Host: "proxy.example"}},
		}, map[string]says{
			"agent/connection":      {Warning, "not connected to broker.example:62000 yet", "wait a moment: the agent tries again by itself"},
			"agent/outbox":          {Warning, "2 results wait for a connection", "they go out with the next connection"},
			"agent/journal":         {Warning, "it was damaged: 3 lines", "check the disk; the journal is mended, and this is reported until the agent is started again"},
			"agent/taking orders":   {Failed, "no space left (host.no_space); it goes on by itself when it can", "df -h"},
			"agent/Apps":            {Warning, "1 were damaged since the agent's start; the newest: ", "check the disk (dmesg); this is reported until the agent is started again"},
			"settings/metrics file": {Warning, "the agent does not write ", "see settings"},
			"network/proxy":         {Warning, "environment is not used: only that of the settings is", "proxyPort=PORT"},
		}},
		{&controlapi.Status{Link: link.State{Connected: true}, Status: agent.Status{Outbox: 3, JournalLoss: "the journal was gone"}}, map[string]says{
			"agent/outbox":  {Warning, "wait for the cloud to acknowledge them", "look again; if it stays, see the log of the cloud"},
			"agent/journal": {Warning, "the journal was gone", "find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended; this is reported until the agent is started again"},
		}},
		{&controlapi.Status{Status: agent.Status{Outbox: 3, Unclaimed: 1}}, map[string]says{
			"agent/outbox": {Warning, "the cloud has no record of the orders of 1 results", "its store may have been set back to an older state; the results are offered again for a week"},
		}},
		{&controlapi.Status{Status: agent.Status{Draining: true}}, map[string]says{
			"agent/outbox": {Warning, "the agent is draining", "the cloud or an administrator ended the flow of orders; resume it there"},
		}},
	} {
		now.Store(row.status)
		found := findings(t, c, host)
		for name, want := range row.want {
			want.check(t, name, found[name])
		}
	}
}

// TestTheAgentsPolicy: the agent may go by another policy than the one that root sees here.
func TestTheAgentsPolicy(t *testing.T) {
	need.Root(t)
	dir, err := os.MkdirTemp("/run", "doctor-test-") // root's alone up to the top, as a policy must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := installation(t, map[string]string{"appsJavaHome": "/nonexistent", "appsPythonHome311": "/nonexistent"})
	c.Paths.Policy = filepath.Join(dir, "policy.yaml")
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(c.Paths.Policy, []byte("version: 1\nrules: [{allow: ours, apps: A}]\n"), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	now, host := agentAnswers(t, c), CheckHost(t.Context(), c)
	for _, row := range []struct {
		policy controlapi.Policy
		want   says
	}{
		{controlapi.Policy{Path: "/etc/other.yaml"}, says{Warning, "the agent goes by another one: /etc/other.yaml", "compare TCENVSVR_POLICY"}},
		{controlapi.Policy{Path: c.Paths.Policy, Problem: "line 3"}, says{Failed, "every order is denied: the agent says: line 3", "mend it as root; it counts at once"}},
		{controlapi.Policy{Path: c.Paths.Policy, SHA256: "0"}, says{Warning, "the agent goes by another content than this file's", "; restart the service"}},
		{controlapi.Policy{Path: c.Paths.Policy, SHA256: policy.NewFile(c.Paths.Policy).Policy().View().SHA256, SignedProblem: "no key"}, says{Failed, "signed orders are refused: no key", "has more"}},
	} {
		now.Store(&controlapi.Status{Policy: row.policy})
		row.want.check(t, "policy", findings(t, c, host)["settings/policy"])
	}
}
