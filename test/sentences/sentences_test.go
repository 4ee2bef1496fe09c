package sentences_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/test/sentences"
)

// among are folders whose sentences the programs say to each other, or to an App, and why no user meets
// them at a command.
var among = map[string]string{
	"agent/app/archive":                   "an archive that cannot be made costs time only; status and log say that there is none",
	"agent/app/bytecode":                  "bytecode that cannot be made costs time only; status and log say that there is none",
	"agent/app/templates":                 "an App that cannot start warm starts cold",
	"agent/job/internal":                  "shim and agent speak; users meet the code of a StartError",
	"agent/link/wire":                     "the protocol of agent and cloud, both ours; its decoders are fuzzed",
	"cmd/tccloud/internal/console":        "pages, not errors; their tests read them",
	"cmd/tccloud/internal/demo":           "TestDemo runs it; it says what it saw of its own agents",
	"cmd/tccloud/internal/platform/batch": "answers to an App, counted by package platform's tests",
}

// exceptions are sentences that no test can cause, and why.
var exceptions = map[string]string{
	"the system let it become root again": "needs a broken kernel",
}

// owed has the sentences that were there before this test, and that nothing causes yet. It only gets
// shorter: UPDATE=1 takes out what is caused now, and adds nothing. (UPDATE=owe adds what the merge of a
// branch brings that did not have this test yet.)
const owed = "testdata/owed.txt"

// TestEverySentenceIsCaused: what a program says when something is wrong was seen by a test.
func TestEverySentenceIsCaused(t *testing.T) {
	all, err := sentences.Source("../..", "agent", "certs", "updater", "cmd/internal", "cmd/tcenvsvr", "cmd/tccloud")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := sentences.ReadExpected("../..")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(owed)
	if err != nil {
		t.Fatal(err)
	}
	owing := strings.Split(strings.TrimSpace(string(data)), "\n")
	var still []string
	used := map[string]bool{}
	for _, s := range expected.Missing(all) {
		entry := path.Dir(s.File) + ": " + strings.ReplaceAll(s.Text, "\n", " ")
		_, excepted := exceptions[s.Text]
		switch {
		case isAmong(s.File):
		case excepted:
			used[s.Text] = true
		case slices.Contains(owing, entry), os.Getenv("UPDATE") == "owe":
			still = append(still, entry)
		default:
			t.Errorf("%s:%d: no script or test causes %q: write one that looks for what only this sentence says", s.File, s.Line, s.Text)
		}
	}
	for text := range exceptions {
		if !used[text] {
			t.Errorf("%q is an exception and does not need to be one", text)
		}
	}
	slices.Sort(still)
	if still = slices.Compact(still); slices.Equal(still, owing) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Errorf("%d sentences of %s are caused now or gone: UPDATE=1 takes them out", len(owing)-len(still), owed)
	} else if err := os.WriteFile(owed, []byte(strings.Join(still, "\n")+"\n"), 0o644); err != nil {
		t.Error(err)
	}
}

func isAmong(file string) bool {
	for folder := range among {
		if strings.HasPrefix(file, folder+"/") {
			return true
		}
	}
	return false
}
