package need

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMissing is run again as a child process, with and without CI.
func TestMissing(t *testing.T) {
	if os.Getenv("NEED_CHILD") == "1" {
		Tool(t, "no-such-program")
		return
	}
	for ci, want := range map[string]string{"": "--- SKIP", "1": "--- FAIL"} {
		c := exec.Command(os.Args[0], "-test.run=^TestMissing$", "-test.v")
		c.Env = append(os.Environ(), "NEED_CHILD=1", "TCENVSVR_CI="+ci)
		out, err := c.CombinedOutput()
		if (err != nil) != (ci == "1") || !strings.Contains(string(out), want) || !strings.Contains(string(out), "no-such-program is not installed") {
			t.Errorf("TCENVSVR_CI=%q: got %v and %s, want %s with the reason", ci, err, out, want)
		}
	}
}
