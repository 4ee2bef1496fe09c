package packaging

import (
	"os"
	"testing"

	"tcenvsvr/agent/provision"
)

// The package ships what `tcenvsvr host apply` would write, or each would
// find the other's file changed.
func TestSudoersAgreesWithHostApply(t *testing.T) {
	got, err := os.ReadFile("host/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != provision.SudoersRule {
		t.Errorf("got:\n%s\nwant:\n%s", got, provision.SudoersRule)
	}
}
