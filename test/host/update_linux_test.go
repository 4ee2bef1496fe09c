package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/updater/handover"
)

// TestUpdate takes one machine through releases, good and bad, hostile requests and lost files, and
// the package manager beside all that. Whatever happens, an agent runs, jobs end well, and rpm
// finds every file as it was packaged.
func TestUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("sleep")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.runsFrom(handover.Baseline)
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
		s.shim(handover.Baseline)
		s.wants(good)
		s.proved(good, handover.SlotA)
		s.downtime("update to a good release")
		if e := s.show(jobs[0]); e.State != "running" {
			s.t.Errorf("the job is %s while the new release runs; want running", e.State)
		}
		jobs = append(jobs, s.detach(20))
		s.shim(handover.SlotA)
	})
	while("crash at start", func(s *site) {
		s.wants(crashes)
		s.fails(crashes, handover.Crash)
		s.downtime("crash at start, three times, and back")
		s.notAgain(crashes)
	})
	while("hang", func(s *site) {
		s.dropIn(unit, "[Service]\nTimeoutStartSec=6\n", func() {
			s.wants(hangs)
			s.fails(hangs, handover.Hang)
		})
		s.downtime("hang (6 s until systemd gives up) and back")
	})
	while("ready but never healthy", func(s *site) {
		s.dropIn(product+"-bless.service", "[Service]\nEnvironment=PROBATION=3s\n", func() {
			s.dropIn(product+"-bless.timer", "[Timer]\nOnActiveSec=4s\nOnUnitActiveSec=4s\nAccuracySec=100ms\n", func() {
				s.wants(sick)
				s.fails(sick, handover.Hang)
			})
		})
		s.downtime("restart after the probation")
	})
	while("rollback, pin, resume", decisions)
	while("hostile requests", hostileRequests)
	while("slot lost", func(s *site) {
		s.Run("find", home+"/a", home+"/b", "-type", "f", "-delete")
		s.Run("systemctl", "restart", unit)
		s.runsFrom(handover.Baseline)
		s.check()
		s.proved(good, "")
	})
	while("state torn", func(s *site) {
		s.Write("/var/lib/"+product+"-updater/state.json", `{"format":1,"act`, 0o600)
		s.Run("systemctl", "restart", unit)
		s.runsFrom(handover.Baseline)
		s.check()
		s.proved(good, "")
	})
	while("jobs by the socket", shimsBySocket)
	t.Run("jobs", func(t *testing.T) {
		s := s.as(t)
		for _, job := range jobs {
			s.ended(job)
		}
	})
	t.Run("dnf", func(t *testing.T) { packageManager(s.as(t)) })
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

func (s *site) updates() (handover.Status, error) {
	return handover.ReadStatus(s.Path("/run/" + product + "-updater/status.json"))
}

// proved waits until a release is the active one. "" is any slot.
func (s *site) proved(version string, from handover.Slot) {
	s.t.Helper()
	s.eventually("waiting for release "+version, func() error {
		u, err := s.updates()
		if err == nil && (u.Phase != handover.Good || u.Active != version) {
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
func (s *site) fails(version string, class handover.Class) {
	s.t.Helper()
	s.eventually("waiting for the end of release "+version, func() error {
		u, err := s.updates()
		is := func(m handover.Mark) bool { return m.Version == version && m.Class == class }
		if err == nil && !slices.ContainsFunc(u.Bad, is) {
			err = fmt.Errorf("it is not bad: phase %q, last %+v", u.Phase, u.Last)
		}
		return err
	})
	s.runsFrom(handover.SlotA)
	if u, err := s.updates(); err != nil || u.Active != good {
		s.t.Errorf("after release %s %s is active (%v); want %s", version, u.Active, err, good)
	}
}

// notAgain checks that what failed is not tried again, whoever wants it.
func (s *site) notAgain(version string) {
	s.t.Helper()
	pid := s.mainPID(unit)
	if out := s.check(); !strings.Contains(out, "failed here") {
		s.t.Errorf("update check says %q; want that %s failed here", out, version)
	}
	if now := s.mainPID(unit); now != pid {
		s.t.Errorf("the agent was restarted for a release that failed")
	}
}

// runsFrom waits for an agent with a session, and checks which program it is, and which one
// would be the shim of a job that systemd starts.
func (s *site) runsFrom(from handover.Slot) {
	s.t.Helper()
	s.connected()
	want := filepath.Join(home, string(from), "bin/tcenvsvr")
	if from == handover.Baseline {
		want = handover.PackagedProgram
	}
	if got := strings.TrimSpace(s.Run("readlink", "/proc/"+s.mainPID(unit)+"/exe")); got != want {
		s.t.Errorf("%s runs; want %s", got, want)
	}
	if got := strings.TrimSpace(s.Run("readlink", handover.PackagedPaths(home).Shim)); got != shimOf(from) {
		s.t.Errorf("the shim of tc-job@.service is %s; want %s", got, shimOf(from))
	}
}

// shimOf is the package's small program, or a release itself.
func shimOf(from handover.Slot) string {
	if from == handover.Baseline {
		return handover.PackagedProgram + "-shim"
	}
	return filepath.Join(home, string(from), "bin/tcenvsvr")
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

// decisions are the administrator's.
func decisions(s *site) {
	s.t.Helper()
	s.wants(good)
	s.Run("tcenvsvr", "update", "rollback")
	s.runsFrom(handover.Baseline)
	s.notAgain(good)

	s.Run("tcenvsvr", "update", "pin", good)
	s.wants(unwelcome)
	s.Run("tcenvsvr", "update", "resume")
	s.check() // the pinned one, not the one that is wanted
	s.proved(good, "")
	if out := s.check(); strings.Contains(out, unwelcome) {
		s.t.Errorf("update check says %q of a host that is pinned to %s", out, good)
	}
	s.wants(good)
	s.Run("tcenvsvr", "update", "pin", "none")
}

// shim checks which program is the shim of the job that was started last.
func (s *site) shim(of handover.Slot) (pid string) {
	s.t.Helper()
	text := s.Run("sh", "-c", "cat $(ls -t "+exchange+"/jobs/[0-9]*/shim/state | head -n 1)")
	var job struct {
		ShimPID int `json:"shim_pid"`
	}
	must(s.t, json.Unmarshal([]byte(text), &job), "reading who runs the job")
	pid = strconv.Itoa(job.ShimPID)
	if got := strings.TrimSpace(s.Run("readlink", "/proc/"+pid+"/exe")); got != shimOf(of) {
		s.t.Errorf("the shim is %s; want %s", got, shimOf(of))
	}
	return pid
}

// shimsBySocket has systemd start jobs, under an agent that came by an update, under the package's,
// and under the one that this updates itself to. Each is reported by another.
func shimsBySocket(s *site) {
	s.t.Helper()
	dir := "/etc/systemd/system/" + unit + ".d"
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", dir+"/hardened.conf")
	restart := func(of handover.Slot) {
		s.t.Helper()
		s.Run("systemctl", "daemon-reload")
		s.Run("systemctl", "restart", unit)
		s.runsFrom(of)
	}
	var jobs []string
	starts := func(of handover.Slot) {
		s.t.Helper()
		jobs = append(jobs, s.detach(20))
		if cgroup := s.Read("/proc/" + s.shim(of) + "/cgroup"); !strings.Contains(cgroup, "tc-job@") {
			s.t.Errorf("the shim is in cgroup %s; want one of tc-job@", cgroup)
		}
	}
	selected := func() handover.Slot {
		s.t.Helper()
		u, err := s.updates()
		must(s.t, err, "reading the status")
		return u.Selected.Slot
	}

	restart(selected())
	starts(selected())
	s.Run("tcenvsvr", "update", "rollback")
	s.runsFrom(handover.Baseline)
	starts(handover.Baseline)
	s.Run("tcenvsvr", "update", "resume")
	s.check()
	s.proved(good, "")
	starts(selected())

	for _, job := range jobs {
		s.ended(job)
	}
	s.Run("systemctl", "disable", "--quiet", "--now", "tc-job.socket")
	s.Run("rm", dir+"/hardened.conf")
	restart(selected())
}

// hostileRequests come from an agent that somebody took over.
func hostileRequests(s *site) {
	s.t.Helper()
	inbox, pid := state+"/inbox/", s.mainPID(unit)
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
	if after.Active != before.Active || after.Candidate != nil || s.mainPID(unit) != pid {
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

// packageManager changes the package while a release from elsewhere is active.
func packageManager(s *site) {
	s.t.Helper()
	step := func(want handover.Slot, args ...string) {
		s.t.Helper()
		pid := s.mainPID(unit)
		s.dnf(args...)
		s.anotherThan(pid)
		s.runsFrom(want)
		s.verify("after dnf " + args[0])
	}
	u, err := s.updates()
	must(s.t, err, "reading the status")
	at := u.Selected.Slot
	step(at, "upgrade", product) // to one that is older than the release
	step(at, "reinstall", product)
	step(handover.Baseline, "downgrade", nevra(older))
	if out := s.check(); !strings.Contains(out, "downgraded") {
		s.t.Errorf("update check says %q; want that updates are held", out)
	}
	s.Run("tcenvsvr", "update", "resume")
	s.check()
	s.proved(good, "")

	kept := s.data()
	s.dnf("remove", product)
	for _, gone := range []string{home + "/a", home + "/b", "/var/lib/" + product + "-updater", "/run/" + product + "-updater", "/usr/libexec/" + product} {
		if _, err := os.Lstat(s.Path(gone)); err == nil {
			s.t.Errorf("erase left %s", gone)
		}
	}
	if got := s.data(); got != kept {
		s.t.Errorf("data after erase:\n%s\nwant\n%s", got, kept)
	}
	// systemd may remember a name for a while; nothing of it may be loaded.
	for line := range strings.Lines(s.Run("systemctl", "list-units", "--all", "--plain", "--no-legend", product+"*")) {
		if !strings.Contains(line, " not-found ") {
			s.t.Errorf("unit after erase: %s", line)
		}
	}
}
