package daemon

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	appbuild "tcenvsvr/agent/app/build"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// TestNotes: the cloud is told that something is wrong with settings and policy, and nothing of what they
// hold; however much is wrong, there is room for what is told.
func TestNotes(t *testing.T) {
	s := controlapi.Status{
		Settings: controlapi.Settings{Problem: "setting brokerToken is hush", RestartNeeded: []string{"brokerHost"}},
		Policy:   controlapi.Policy{State: "invalid", Problem: "hush"},
		Limits:   &job.LimitsReport{Holds: []string{"memory"}, Missing: "no cgroup\x1b[31m" + strings.Repeat("é", 500)},
	}
	got := map[string]string{}
	for _, n := range notes(s) {
		got[n.About] += n.Text + "\n"
	}
	if all := fmt.Sprint(got); strings.Contains(all, "hush") || strings.Contains(all, "\x1b") || !strings.Contains(all, "brokerHost") || got["policy"] == "" || !strings.HasPrefix(got["limits"], "of an App hold only time, memory: no cgroup") {
		t.Errorf("got %q", got)
	}
	for range 100 {
		s.Bytecode.Problems = append(s.Bytecode.Problems, appbuild.Problem{App: strings.Repeat("x", 300), What: "\xff"})
	}
	sent := &wire.Info{Notes: notes(s)}
	data, err := wire.Encode(sent)
	if err != nil || len(sent.Notes) != wire.MaxNotes {
		t.Fatalf("%d notes, %v", len(sent.Notes), err)
	}
	back, err := wire.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sent, back); d != "" {
		t.Errorf("it arrives otherwise (-want +got):\n%s", d)
	}
	if all := notes(controlapi.Status{}); len(all) > 0 {
		t.Errorf("where all is well: %v", all)
	}
}
