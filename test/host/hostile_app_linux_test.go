package host

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestHostileApp has Apps put links, pipes and the like where the agent works, under both runners:
// the agent's own files stay as they are, nothing of them reaches the cloud, and the agent goes on,
// also after a restart.
func TestHostileApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("hostile", "job")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	s.app("partial", "Test_-_Job", "owner=me")
	before := s.own()

	attack := func(t *testing.T) {
		s := s.as(t)
		for _, kill := range []string{"false", "true"} {
			id := s.order("Test_-_Hostile", "state="+state, "kill="+kill)
			log, err := s.cloud.Do(s.ctx, "execution", "logs", id)
			must(t, err, "reading the App's log")
			for line := range strings.Lines(log) {
				if strings.Contains(line, "beside: list: done") {
					continue // isolated, it finds its own session only: TestStrangers looks closer
				}
				if strings.Contains(line, "beside: ") && !strings.Contains(line, "EACCES") && !strings.Contains(line, "EPERM") && !strings.Contains(line, "EROFS") {
					t.Errorf("an App may do this beside its job: %s", line)
				}
			}
			if kill == "false" && !strings.Contains(log, "beside: ") {
				t.Errorf("the App tried nothing: %s", log)
			}
			shown, err := s.cloud.Do(s.ctx, "execution", "show", id, "--json")
			must(t, err, "looking at the order")
			dir := t.TempDir()
			_, _ = s.cloud.Do(s.ctx, "execution", "download", id, "-o", dir) // some of it is refused
			if strings.Contains(log+shown+read(t, dir), "ENC[") {
				t.Error("the agent's settings reached the cloud")
			}
			s.app("partial", "Test_-_Job", "owner=me")
			if after := s.own(); after != before {
				t.Errorf("the agent's files changed:\n%s", different(before, after))
			}
		}
		pid := s.mainPID(unit)
		s.Run("systemctl", "restart", unit)
		s.anotherThan(pid)
		s.connected()
		s.app("partial", "Test_-_Job", "owner=me")
	}
	t.Run("by sudo", attack)
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	t.Run("by the socket", attack)
	s.Run("tcenvsvr", "host", "check")
}

// own are the agent's files that no App may touch: kind, owner, mode, and of secrets the content.
func (s *site) own() string {
	s.t.Helper()
	return s.Run("sh", "-c", "find "+state+" -maxdepth 2 -not -path '*/journal/*' -not -path '*/logs/*' -not -path '*/trust/*' -not -path '*/inbox/*' -not -path '*/templates*' -not -name control.sock -printf '%p %U:%G %m %y\n' | sort"+
		"; cd "+state+" && sha256sum settings.yaml keystore.p12 keychain.json; getfacl --absolute-names "+exchange+"/jobs")
}

// order runs an App to its end, whatever that is.
func (s *site) order(name string, params ...string) string {
	s.t.Helper()
	args := []string{"run", "lab", name, "--detach"}
	for _, p := range params {
		args = append(args, "--param", p)
	}
	out, err := s.cloud.Do(s.ctx, args...)
	must(s.t, err, "ordering "+name)
	id := strings.TrimSpace(out)
	s.eventually("waiting for the end of "+id, func() error {
		if e := s.show(id); !e.Ended {
			return fmt.Errorf("it is %s", e.State)
		}
		return nil
	})
	return id
}

// read is all that is in the small files of a folder.
func read(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() > 1<<20 {
			return err
		}
		text, err := fs.ReadFile(os.DirFS(dir), path)
		all.Write(text)
		return err
	})
	must(t, err, "reading what was downloaded")
	return all.String()
}
