package test

import (
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// Root enrolls, changes a secret, adds a CA and configures for an agent that is another user, in
// folders of that user's: all of it is the agent's afterwards, and the agent runs with it.
func TestWhatRootDoesIsTheAgents(t *testing.T) {
	user := need.OtherUser(t)
	setpriv := need.Tool(t, "setpriv")
	uid, _ := strconv.Atoi(user.Uid)
	s := newScene(t)
	c := s.cloud("lab")
	home := filepath.Join(s.Dir, "one")
	p, err := paths.New(home)
	s.must(err, "naming paths")
	s.must(os.Mkdir(home, 0o755), "making the home")
	s.must(os.Mkdir(p.State, 0o711), "making the state folder")
	s.must(os.Chown(p.State, uid, uid), "giving it to the agent")

	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling as root")
	s.ownedBy(p.State, uid, "enroll")
	s.must(os.Chown(home+"-masterkey", uid, uid), "giving the master password to the agent")
	_, err = a.Do(s.ctx, "settings", "set", "masterKeyFile="+home+"-masterkey") // which enroll did not: only root could read it
	s.must(err, "naming the file of the master password")
	ca := filepath.Join(s.Dir, "ca.pem")
	s.must(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: privateCA(t).Certificate[0]}), 0o644), "writing a CA")
	secret := filepath.Join(s.Dir, "secret")
	s.must(os.WriteFile(secret, []byte("swordfish"), 0o600), "writing a secret")
	for _, args := range [][]string{
		{"settings", "set", "proxyUsername=u", "proxyPassword=@" + secret},
		{"configure", "--set", "drainSeconds=1"},
		{"certs", "add", ca},
		{"certs", "build"},
		{"enroll", home + "-bundle.zip", "--yes"}, // again: looks for what is not reported
	} {
		_, err := a.Do(s.ctx, args...)
		s.must(err, "doing as root: "+strings.Join(args, " "))
		s.ownedBy(p.State, uid, args[0])
	}

	a.Process, err = stage.Start(home+".log", nil, setpriv, "--reuid", user.Uid, "--regid", user.Gid, "--clear-groups",
		s.AgentBin, "run", "--home", home, "--appsRunner", "none")
	s.must(err, "starting the agent as its user")
	s.must(a.Connected(s.ctx), "waiting for its session")
	_, err = a.Do(s.ctx, "settings", "set", "appsNumberofJobExecutors=3") // root, beside the running agent
	s.must(err, "changing settings as root")
	s.ownedBy(p.State, uid, "settings set beside the agent")
	s.statusBecomes(a, "3 executors", func(st settingsStatus) bool { return st.Executors == 3 })
}

// ownedBy fails the test where a file below dir is not the user's.
func (s *scene) ownedBy(dir string, uid int, after string) {
	s.t.Helper()
	s.must(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid {
			s.t.Errorf("after %s: %s belongs to user %d, want %d", after, path, st.Uid, uid)
		}
		return nil
	}), "looking whose files they are")
}
