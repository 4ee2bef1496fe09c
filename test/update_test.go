package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// updating is a cloud with releases, and an agent that can update itself while it runs a job.
type updating struct {
	*scene
	cloud   *stage.Cloud
	updates *stage.Updates
	agent   *stage.Agent
	order   string
}

func newUpdating(t *testing.T) *updating {
	t.Helper()
	need.Python(t)
	u := &updating{scene: newScene(t)}
	u.cloud = u.scene.cloud("lab")
	u.launch()
	return u
}

// launch enrolls an agent with these settings and runs it so that it updates itself.
func (u *updating) launch(flags ...string) {
	u.t.Helper()
	u.add(u.cloud, "sleep")
	var err error
	u.updates, err = u.cloud.NewUpdates()
	u.must(err, "making an update repository")
	u.agent, err = u.cloud.Enroll(u.ctx, "lab", "one", flags...)
	u.must(err, "enrolling")
	u.must(u.agent.Launch(append([]string{"--appsRunner", "none", "--relaySystemInfoPublishSeconds", "5"}, flags...)...), "launching the agent")
	u.must(u.agent.Connected(u.ctx), "waiting for the session")
}

// job gives an order and waits until its App runs, which goes on until wake.
func (u *updating) job() {
	u.t.Helper()
	var err error
	u.order, err = u.sleeper(u.cloud, "lab", "job", limit.Seconds())
	u.must(err, "giving an order")
	u.eventually("waiting for the App to start", func() error {
		if u.appStarts("job") != 1 {
			return fmt.Errorf("it was started %d times", u.appStarts("job"))
		}
		return nil
	})
}

// wake lets the job end, and checks that it ran all the time and has one right result.
func (u *updating) wake() {
	u.t.Helper()
	var e execution
	u.must(u.cloud.JSON(u.ctx, &e, "execution", "show", u.order), "looking at the order")
	if e.Ended {
		u.t.Fatalf("the job noticed: %+v", e)
	}
	u.must(os.WriteFile(u.markFile("job")+".end", nil, 0o644), "waking the App")
	u.ranOnce(u.cloud, u.order, "job")
	u.isolated("job")
	u.waitIdle(u.agent)
}

func (u *updating) roll(version, program string) {
	u.t.Helper()
	_, err := u.updates.Publish(u.ctx, version, program)
	u.must(err, "publishing "+version)
	_, err = u.cloud.Do(u.ctx, "release", "rollout", version, "--percent", "100", "--max-failures", "0")
	u.must(err, "rolling out "+version)
}

// operate has the cloud do something with a server.
func (u *updating) operate(args ...string) string {
	u.t.Helper()
	out, err := u.cloud.Do(u.ctx, append([]string{"server"}, args...)...)
	u.must(err, "server "+strings.Join(args, " "))
	return out
}

// TestUpdateWhileAJobRuns: the cloud rolls a release out, the agent becomes it, the job does not
// notice. Nor does it notice that the server is drained and restarted; a drain waits for it.
func TestUpdateWhileAJobRuns(t *testing.T) {
	u := newUpdating(t)
	next := filepath.Join(u.Dir, "next", "tcenvsvr")
	u.must(u.Release(u.ctx, stage.NextVersion, next), "making a release")
	u.job()
	u.roll(stage.NextVersion, next)
	u.operate("update", "one")
	u.must(u.agent.Updated(u.ctx, stage.NextVersion), "waiting for the update")
	u.must(u.agent.Connected(u.ctx), "waiting for the new version's session")
	out, err := u.cloud.Do(u.ctx, "release", "list")
	u.must(err, "listing releases")
	if want := "running  " + stage.NextVersion; !strings.Contains(strings.ReplaceAll(out, "\t", "  "), want) {
		t.Errorf("the cloud does not know that %s runs:\n%s", stage.NextVersion, out)
	}
	u.operate("log-level", "one", "debug")
	_, err = u.cloud.Do(u.ctx, "server", "drain", "one", "--reason", "new disk", "--wait", "--timeout", "1s")
	if err == nil || !strings.Contains(err.Error(), "executions on one that have not ended: 1: --timeout is over") {
		t.Errorf("draining while a job runs: %v", err)
	}
	u.operate("restart", "one", "--wait") // the cloud says again that it is drained
	u.wake()
	if out := u.operate("drain", "one", "--wait"); !strings.Contains(out, "drained by admin token") {
		t.Errorf("when it is drained: %s", out)
	}
	u.operate("resume", "one", "--wait")
	if code := u.agent.Stop(30 * time.Second); code != 0 {
		t.Errorf("launcher after TERM: exit code %d", code)
	}
}

// TestUpdateThroughSquid: the cloud has a certificate of a private CA and a name that only the
// proxy can resolve; metadata and program take that way.
func TestUpdateThroughSquid(t *testing.T) {
	need.Python(t)
	need.Tool(t, "squid")
	s := newScene(t)
	ca := privateCA(t)
	u := &updating{scene: s}
	u.cloud = s.cloud("lab", append([]string{"--name", hidden}, s.given("given", serverCertificate(t, ca, hidden), ca)...)...)
	hosts := filepath.Join(s.Dir, "hosts")
	s.must(os.WriteFile(hosts, []byte("127.0.0.1 "+hidden+"\n"), 0o644), "writing squid's hosts file")
	squid, tunnels := proxytest.Squid(t, "ada", "sesame-squid", "hosts_file "+hosts)
	s.must(set(s.Home("one"), "proxyPassword", "sesame-squid"), "setting the proxy's password")
	u.launch(s.proxyFlags(squid)...)
	next := filepath.Join(u.Dir, "next", "tcenvsvr")
	u.must(u.Release(u.ctx, stage.NextVersion, next), "making a release")
	u.job()
	u.roll(stage.NextVersion, next)
	u.must(u.agent.Updated(u.ctx, stage.NextVersion), "waiting for the update")
	u.must(u.agent.Connected(u.ctx), "waiting for the new version's session")
	u.wake()
	u.agent.Stop(30 * time.Second)
	u.eventually("looking for the tunnels", func() error {
		if !strings.Contains(tunnels(), hidden) {
			return fmt.Errorf("squid carried %q", tunnels())
		}
		return nil
	})
	u.silentAbout("sesame-squid")
}

// TestReleaseThatCrashesIsRolledBack: it is tried, left, never tried again, and offered to nobody
// else.
func TestReleaseThatCrashesIsRolledBack(t *testing.T) {
	u := newUpdating(t)
	dead := filepath.Join(u.Dir, "dead", "tcenvsvr")
	u.must(u.Release(u.ctx, stage.NextVersion, dead), "making a release")
	u.must(stage.Break(dead), "breaking the release")
	u.job()
	u.roll(stage.NextVersion, dead)
	u.eventually("waiting for the rollback", func() error {
		s, err := u.agent.Updating(u.ctx)
		if err == nil && (len(s.Root.Bad) != 1 || s.Root.Selected.Version != stage.BuiltVersion) {
			err = fmt.Errorf("got %+v", s)
		}
		return err
	})
	u.must(u.agent.Connected(u.ctx), "waiting for the session of the version before")
	u.eventually("waiting for the rollout to halt", func() error {
		out, err := u.cloud.Do(u.ctx, "release", "list", "--json")
		if err == nil && !strings.Contains(out, "it failed on 1 servers") {
			err = fmt.Errorf("it goes on: %s", out)
		}
		return err
	})
	u.wake()
	if s, err := u.agent.Updating(u.ctx); err != nil || s.Root.Active != stage.BuiltVersion || s.Root.Bad[0].Class != "crash" {
		t.Errorf("at the end: %+v, %v", s, err)
	}
}
