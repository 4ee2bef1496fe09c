package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/updater/slot"
	status "tcenvsvr/updater/slot/state"
)

// TestUpdate takes one machine through releases, good and bad, and through
// hostile requests. Whatever happens, an
// agent runs, jobs end well, and rpm finds every file as it was packaged.
func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("sleep")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.runsFrom(status.Baseline)
	s.offerReleases()

	var jobs []string
	while := func(name string, what func(s *site)) {
		t.Run(name, func(t *testing.T) {
			s := s.as(t)
			jobs = append(jobs, s.detach(20))
			what(s)
			s.verify("after " + name)
		})
	}
	while("good, by itself", func(s *site) {
		s.wants(good)
		s.proved(good, status.A)
		s.downtime("update to a good release")
		if e := s.show(jobs[0]); e.State != "running" {
			s.t.Errorf("the job is %s while the new release runs; want running", e.State)
		}
	})
	while("crash at start", func(s *site) {
		s.wants(crashes)
		s.fails(crashes, status.Crash)
		s.downtime("crash at start, three times, and back")
		s.notAgain(crashes)
	})
	while("hang", func(s *site) {
		s.dropIn(unit, "[Service]\nTimeoutStartSec=6\n", func() {
			s.wants(hangs)
			s.fails(hangs, status.Hang)
		})
		s.downtime("hang (6 s until systemd gives up) and back")
	})
	while("hostile requests", hostileRequests)
	t.Run("jobs", func(t *testing.T) {
		s := s.as(t)
		for _, job := range jobs {
			s.ended(job)
		}
	})
}

// offerReleases gives the cloud all releases.
func (s *site) offerReleases() {
	s.t.Helper()
	bundle, err := s.release.bundle(s.ctx)
	must(s.t, err, "signing the update repository")
	file := filepath.Join(filepath.Dir(s.Share), "updates.zip")
	must(s.t, os.WriteFile(file, bundle, 0o600), "writing the bundle")
	_, err = s.cloud.Do(s.ctx, "release", "add", file)
	must(s.t, err, "adding releases to the cloud")
}

// wants has the cloud want a release everywhere; it tells the agent by itself.
func (s *site) wants(version string) {
	s.t.Helper()
	_, err := s.cloud.Do(s.ctx, "release", "rollout", version, "--percent", "100", "--max-failures", "9")
	must(s.t, err, "rolling out "+version)
}

// check has the agent ask now, and returns what became of that.
func (s *site) check() string {
	s.t.Helper()
	out, _ := s.Try("tcenvsvr", "update", "check")
	return out
}

func (s *site) updates() (slot.Status, error) {
	return slot.ReadStatus(s.Path("/run/" + product + "-updater/status.json"))
}

// proved waits until a release is the active one. "" is any slot.
func (s *site) proved(version string, from status.Slot) {
	s.t.Helper()
	s.eventually("waiting for release "+version, func() error {
		u, err := s.updates()
		if err == nil && (u.Phase != status.Good || u.Active != version) {
			err = fmt.Errorf("%s runs in phase %q, last %+v", u.Active, u.Phase, u.Last)
		}
		return err
	})
	if from == "" {
		u, err := s.updates()
		must(s.t, err, "reading the status")
		from = u.Selected.Slot
	}
	s.runsFrom(from)
}

// fails waits until a release failed, and the good one runs again.
func (s *site) fails(version string, class status.Class) {
	s.t.Helper()
	s.eventually("waiting for the end of release "+version, func() error {
		u, err := s.updates()
		is := func(m status.Mark) bool { return m.Version == version && m.Class == class }
		if err == nil && !slices.ContainsFunc(u.Bad, is) {
			err = fmt.Errorf("it is not bad: phase %q, last %+v", u.Phase, u.Last)
		}
		return err
	})
	s.runsFrom(status.A)
	if u, err := s.updates(); err != nil || u.Active != good {
		s.t.Errorf("after release %s %s is active (%v); want %s", version, u.Active, err, good)
	}
}

// notAgain checks that what failed is not tried again, whoever wants it.
func (s *site) notAgain(version string) {
	s.t.Helper()
	pid := s.mainPID()
	if out := s.check(); !strings.Contains(out, "failed here") {
		s.t.Errorf("update check says %q; want that %s failed here", out, version)
	}
	if now := s.mainPID(); now != pid {
		s.t.Errorf("the agent was restarted for a release that failed")
	}
}

// runsFrom waits for an agent with a session, and checks which program it is.
func (s *site) runsFrom(from status.Slot) {
	s.t.Helper()
	s.connected()
	want := filepath.Join(home, string(from), "bin/tcenvsvr")
	if from == status.Baseline {
		want = slot.PackagedProgram
	}
	if got := strings.TrimSpace(s.Run("readlink", "/proc/"+s.mainPID()+"/exe")); got != want {
		s.t.Errorf("%s runs; want %s", got, want)
	}
}

// downtime prints how long the last change took, between two agents that were ready.
func (s *site) downtime(what string) {
	s.t.Helper()
	var at [2]float64
	for i, property := range []string{"ActiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic"} {
		text := s.Run("systemctl", "show", "--value", "--property", property, unit)
		micros, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		must(s.t, err, "reading "+property)
		at[i] = micros / 1e6
	}
	s.t.Logf("measured: %s: %.2f s without an agent", what, at[1]-at[0])
}

// dropIn changes a unit while f runs.
func (s *site) dropIn(unit, text string, f func()) {
	s.t.Helper()
	dir := "/etc/systemd/system/" + unit + ".d"
	s.Run("mkdir", "-p", dir)
	s.Write(dir+"/test.conf", text, 0o644)
	s.Run("systemctl", "daemon-reload")
	defer func() {
		s.Run("rm", dir+"/test.conf")
		s.Run("systemctl", "daemon-reload")
	}()
	f()
}

// hostileRequests come from an agent that somebody took over.
func hostileRequests(s *site) {
	s.t.Helper()
	inbox, pid := state+"/inbox/", s.mainPID()
	before, err := s.updates()
	must(s.t, err, "reading the status")
	shadow := s.Read("/etc/shadow")
	for name, how := range map[string]string{
		"junk":     "head -c 100000 /dev/urandom >%s",
		"symlink":  "ln -s /etc/shadow %s",
		"fifo":     "mkfifo %s",
		"artifact": "head -c 5000 /dev/zero >" + inbox + "artifact-" + strings.Repeat("0", 64) + " && touch %s",
		"metadata": "rm -f " + inbox + "metadata/timestamp.json && ln -s /etc/shadow " + inbox + "metadata/timestamp.json && touch %s",
	} {
		for _, request := range []string{"request-apply", "request-healthy"} {
			s.Run("runuser", "-u", "threatconnect", "--", "sh", "-c", fmt.Sprintf(how, inbox+request))
			s.eventually(name+": waiting for root to take "+request, func() error {
				if _, err := os.Lstat(s.Path(inbox + request)); err == nil {
					return errors.New("it is still there")
				}
				return nil
			})
		}
	}
	after, err := s.updates()
	must(s.t, err, "reading the status")
	if after.Active != before.Active || after.Candidate != nil || s.mainPID() != pid {
		s.t.Errorf("%s runs, on trial %+v; want %s, and the same process", after.Active, after.Candidate, before.Active)
	}
	if got := s.Read("/etc/shadow"); got != shadow {
		s.t.Error("/etc/shadow was changed")
	}
	if said := s.Run("journalctl", "--no-pager", "-u", product+"-update.service"); strings.Contains(said, "root:") {
		s.t.Errorf("a file of root's is quoted in the journal:\n%s", said)
	}
	s.Run("rm", "-f", inbox+"metadata/timestamp.json")
}
