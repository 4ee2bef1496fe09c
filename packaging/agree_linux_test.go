package packaging

import (
	"os"
	"testing"

	"tcenvsvr/agent/host/setup"
)

// The package ships what `tcenvsvr host apply` would write, or each would
// find the other's file changed.
func TestSudoersAgreesWithHostApply(t *testing.T) {
	got, err := os.ReadFile("host/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != setup.SudoersRule {
		t.Errorf("got:\n%s\nwant:\n%s", got, setup.SudoersRule)
	}
}
