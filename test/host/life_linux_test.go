package host

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// TestLife takes one machine through the life of an installation, each step on what the one before
// it left.
func TestLife(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("job", "java", "sleep", "probe")
	su := s.Read("/etc/pam.d/su")
	before := s.files()

	measured, whole := stopwatch(t), stopwatch(t)
	out := s.install(older)
	measured("install")
	t.Logf("dnf said:\n%s", out)
	s.verify("after install")
	s.unstarted("after install")
	if said := s.enroll(); !strings.Contains(said, "next, as root:\n  systemctl enable --now threatconnect-envsvr\n  tcenvsvr status") {
		t.Errorf("enroll does not say how to go on:\n%s", said)
	}
	s.unstarted("after enroll")
	if said, err := s.Try("tcenvsvr", "doctor"); err != nil || !strings.Contains(said, "systemctl enable --now threatconnect-envsvr") {
		t.Errorf("doctor (%v) does not say how to go on:\n%s", err, said)
	}
	s.Run("systemctl", "enable", "--quiet", "--now", unit)
	s.connected()
	measured("enroll, start, session")
	s.app(wire.Partial, "Test_-_Job", "owner=me")
	measured("first App")
	whole("install + enroll + first App")

	t.Run("Apps by sudo", func(t *testing.T) {
		s := s.as(t)
		s.app(wire.Succeeded, "Test_-_Java")
		s.probe()
	})
	s.verify("after Apps ran")
	s.Run("tcenvsvr", "doctor") // warns of Debian and of few cores; nothing fails
	s.Run("tcenvsvr", "host", "check")

	t.Run("upgrade while a job runs", func(t *testing.T) {
		s := s.as(t)
		job, kept := s.detach(8), s.kept()
		s.dnf("upgrade", product)
		s.verify("after the upgrade")
		s.enabled("after the upgrade")
		s.runs(newer)
		s.ended(job)
		s.keeps(kept, "the upgrade")
	})
	t.Run("reinstall", func(t *testing.T) {
		s := s.as(t)
		kept := s.kept()
		s.dnf("reinstall", product)
		s.verify("after the reinstallation")
		s.enabled("after the reinstallation")
		s.keeps(kept, "the reinstallation")
		s.runs(newer)
	})
	t.Run("downgrade while a job runs", func(t *testing.T) {
		s := s.as(t)
		job, kept := s.detach(8), s.kept()
		s.dnf("downgrade", nevra(older))
		s.verify("after the downgrade")
		s.runs(older)
		s.ended(job)
		s.keeps(kept, "the downgrade")
	})
	t.Run("erase while a job runs, and install again", func(t *testing.T) {
		s := s.as(t)
		s.outlivesThePackage(older)
	})
	t.Run("erase", func(t *testing.T) {
		s := s.as(t)
		kept := s.data()
		s.dnf("remove", product)
		if got := s.Read("/etc/pam.d/su"); got != su {
			t.Errorf("/etc/pam.d/su after erase:\n%s\nwant what it was:\n%s", got, su)
		}
		if left := s.left(before); len(left) > 0 {
			t.Errorf("left behind by erase:\n%s", strings.Join(left, "\n"))
		}
		if got := s.data(); got != kept {
			t.Errorf("data after erase:\n%s\nwant\n%s", got, kept)
		}
		s.Run("getent", "passwd", "threatconnect", "tc-job") // files may be theirs
	})
	t.Run("install after erase", func(t *testing.T) {
		s := s.as(t)
		s.install(newer)
		s.verify("after install on old data")
		s.unstarted("after install on old data") // an erase takes back that it was enabled, too
		s.Run("systemctl", "enable", "--quiet", "--now", unit)
		s.connected()
		s.app(wire.Partial, "Test_-_Job", "owner=me")
	})
}

// unstarted wants a service that neither runs nor starts with the host.
func (s *site) unstarted(when string) {
	s.t.Helper()
	for ask, want := range map[string]string{"is-enabled": "disabled", "is-active": "inactive"} {
		for _, u := range []string{unit, "tc-job.socket"} {
			if said, _ := s.Try("systemctl", ask, u); strings.TrimSpace(said) != want {
				s.t.Errorf("%s %s is %q; want %s", when, u, said, want)
			}
		}
	}
}

func (s *site) enabled(when string) {
	s.t.Helper()
	if said, _ := s.Try("systemctl", "is-enabled", unit); strings.TrimSpace(said) != "enabled" {
		s.t.Errorf("%s the service is %q; want enabled", when, said)
	}
}

// outlivesThePackage erases the package while an App runs: the App goes on without it, and the
// agent of the package that is installed again reports what came of it. units are enabled then.
func (s *site) outlivesThePackage(version string, units ...string) {
	s.t.Helper()
	// The agent of the package waits for Apps no longer than that before it ends.
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "drainSeconds=1")
	job := s.detach(30)
	app := s.Run("pgrep", "-u", "tc-job", "python")
	s.Run("rmdir", "/etc/threatconnect-envsvr/certs.d")
	if said := s.Run("rpm", "-e", product); !strings.Contains(said, "pkill -u tc-job") || strings.Contains(said, "warning: ") {
		s.t.Errorf("rpm -e does not say that an App runs, or warns:\n%s", said)
	}
	if now := s.Run("pgrep", "-u", "tc-job", "python"); now != app {
		s.t.Errorf("Apps after the erase: %q; want that from before, %q", now, app)
	}
	if _, err := s.Try("tcenvsvr", "version"); err == nil {
		s.t.Error("the program is still there")
	}
	s.install(version)
	s.unstarted("after installing again")
	s.Run(append([]string{"systemctl", "enable", "--quiet", "--now", unit}, units...)...)
	s.connected()
	s.ended(job)
}

// runs waits until the service is the given version's and has a session.
func (s *site) runs(version string) {
	s.t.Helper()
	if got := s.Run("tcenvsvr", "version"); !strings.Contains(got, version) {
		s.t.Errorf("tcenvsvr version says %q; want %s", got, version)
	}
	s.eventually("waiting for the agent of "+version, func() error {
		pid, err := s.Try("systemctl", "show", "--property=MainPID", "--value", unit)
		if err != nil {
			return err
		}
		running, err := s.Try("sha256sum", "/proc/"+strings.TrimSpace(pid)+"/exe")
		if err != nil {
			return err
		}
		if packaged := s.Run("sha256sum", "/usr/libexec/"+product+"/tcenvsvr"); strings.Fields(running)[0] != strings.Fields(packaged)[0] {
			return errors.New("the service still runs another program than the package has")
		}
		return nil
	})
	s.connected()
}

// mainPID is the first process of a service.
func (s *site) mainPID(service string) string {
	s.t.Helper()
	return strings.TrimSpace(s.Run("systemctl", "show", "--property=MainPID", "--value", service))
}

// kept is what no transaction may change: settings, keystore, and owners, modes and ACLs of the
// folders.
func (s *site) kept() string {
	s.t.Helper()
	return s.Run("sha256sum", state+"/settings.yaml", state+"/keystore.p12") +
		s.Run("getfacl", "--absolute-names", home, state, exchange, exchange+"/programs", exchange+"/jobs")
}

func (s *site) keeps(want, what string) {
	s.t.Helper()
	if got := s.kept(); got != want {
		s.t.Errorf("after %s there is\n%s\nwant\n%s", what, got, want)
	}
}

// data is what an administrator's data are, with their owners; logs, sockets and downloads come and
// go.
func (s *site) data() string {
	s.t.Helper()
	return s.Run("find", state, "-type", "f", "-not", "-path", "*/logs/*", "-not", "-path", "*/journal/*",
		"-not", "-path", "*/inbox/*", "-printf", "%p %u %m %s\n")
}

// Where others keep account of what they did, there is more afterwards.
var accounts = []string{"/var/lib/rpm", "/var/lib/dnf", "/var/cache", "/var/log", "/var/tmp", "/tmp", "/run", "/root",
	"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/var/lib/systemd", state}

// filesystem are folders that every EL has by its package filesystem.
var filesystem = []string{"/usr/share/licenses", "/usr/share/fish", "/usr/share/fish/vendor_completions.d", "/usr/share/zsh/site-functions"}

// files lists the machine's files, without what belongs to others.
func (s *site) files() map[string]bool {
	s.t.Helper()
	all := map[string]bool{}
	for line := range strings.Lines(s.Run("find", "/", "-xdev")) {
		all[strings.TrimSuffix(line, "\n")] = true
	}
	return all
}

// left are the files that were not there before.
func (s *site) left(before map[string]bool) []string {
	s.t.Helper()
	var left []string
	for file := range s.files() {
		if !before[file] && !foreign(file) {
			left = append(left, file)
		}
	}
	return left
}

func foreign(file string) bool {
	for _, folder := range accounts {
		if file == folder || strings.HasPrefix(file, folder+"/") || file == folder+"-" {
			return true
		}
	}
	return file == home || file == filepath.Dir(masterKey) || file == masterKey || // an administrator's
		slices.Contains(filesystem, file) || filepath.Base(file) == "__pycache__" || filepath.Ext(file) == ".pyc"
}
