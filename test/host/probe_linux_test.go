package host

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tcenvsvr/agent/link/wire"
)

// probed is what the App "probe" found out about its cage.
type probed struct {
	UID        int
	Env        []string
	Tries      map[string]string
	NoNewPrivs string
	CapEff     string
	Cgroup     string
}

// probe runs the App that tries what Apps must not be able to do.
func (s *site) probe() probed {
	s.t.Helper()
	e := s.app(wire.Succeeded, "Test_-_Probe", "state="+state, "agent="+s.mainPID(unit))
	dir := s.t.TempDir()
	_, err := s.cloud.Do(s.ctx, "execution", "download", e.ID, "deep/found.json", "-o", dir)
	must(s.t, err, "downloading what the App found")
	text, err := os.ReadFile(filepath.Join(dir, "deep/found.json"))
	must(s.t, err, "reading what the App found")
	var p probed
	must(s.t, json.Unmarshal(text, &p), "reading what the App found")
	s.caged(p)
	return p
}

// caged fails the test if an App could do what none may.
func (s *site) caged(p probed) {
	s.t.Helper()
	if got, want := strconv.Itoa(p.UID), strings.TrimSpace(s.Run("id", "-u", "tc-job")); got != want {
		s.t.Errorf("the App ran as user %s; want tc-job, %s", got, want)
	}
	if len(p.Tries) < 10 {
		s.t.Errorf("the App tried only %v", p.Tries)
	}
	// In the hardened mode it does not even see the agent, and nearly all is read-only.
	refusals := []string{"EACCES", "EPERM", "ENOENT", "ESRCH", "EROFS"}
	for what, got := range p.Tries {
		if what == "list state" { // it may be there, for what the App is shown in it
			continue
		}
		if !slices.Contains(refusals, got) {
			s.t.Errorf("%s: %s; want a refusal", what, got)
		}
	}
	if p.CapEff != "0000000000000000" {
		s.t.Errorf("the App has capabilities %s; want none", p.CapEff)
	}
}
