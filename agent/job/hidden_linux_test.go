package job

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/proc"
)

// TestAPrewarmedShimIsClosedToApps: what waits for the secrets of the next order runs as the user that Apps
// run as. Its memory and descriptors are root's to look at.
func TestAPrewarmedShimIsClosedToApps(t *testing.T) {
	e, _ := sandboxed(t, "true")
	h, err := e.startShim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer h.dismiss()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		why := owners(t, h.pid)
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the prewarmed shim does not close itself: %s", why)
		}
	}
}

// owners says what is still open of the shim that descends from pid, "" for nothing.
func owners(t *testing.T, pid int) string {
	t.Helper()
	list, err := proc.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(proc.Descendants(list, pid, 0), proc.Info{ID: proc.ID{PID: pid}}) {
		dir := fmt.Sprintf("/proc/%d", p.PID)
		status, _ := os.ReadFile(dir + "/status")
		comm, _ := os.ReadFile(dir + "/comm")
		if !strings.HasPrefix(string(comm), "tcenvsvr") || strings.Contains(string(status), "\nUid:\t0\t") {
			continue
		}
		info, err := os.Stat(dir + "/fd")
		if err != nil {
			return err.Error()
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == 0 {
			return ""
		}
		return dir + "/fd is the sandbox user's"
	}
	return "it has not begun"
}
