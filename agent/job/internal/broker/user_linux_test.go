package broker

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

// dialer in the environment has TestDial connect as an App, to the broker that stdin names.
const dialer = "BROKER_TEST_DIALER"

func TestDial(t *testing.T) {
	if os.Getenv(dialer) == "" {
		t.Skip("this is the program of TestAnotherUser")
	}
	b := &Broker{}
	if err := json.NewDecoder(os.Stdin).Decode(&b.endpoint); err != nil {
		t.Fatal(err)
	}
	app(t, b)
}

// TestAnotherUser: a process of another user is hung up on, whatever it knows, and does not keep the App out.
func TestAnotherUser(t *testing.T) {
	u := need.OtherUser(t)
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	dir, err := os.MkdirTemp("", "broker") // open to others, which t.TempDir is not
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "dialer")
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	b, h := start(t)
	endpoint, err := json.Marshal(b.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(as *syscall.Credential) (string, error) {
		c := exec.Command(program, "-test.run=^TestDial$", "-test.v")
		c.Dir, c.Env, c.Stdin = dir, []string{dialer + "=1"}, bytes.NewReader(endpoint)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: as}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for range 20 {
		out, err := dial(&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)})
		if err == nil || !strings.Contains(out, "EOF") && !strings.Contains(out, "connection reset") && !strings.Contains(out, "broken pipe") {
			t.Fatalf("user %s: %v, %s", u.Username, err, out)
		}
	}
	if got := h.String(); got != "[] [] 0" {
		t.Errorf("another user is heard: %s", got)
	}
	if out, err := dial(nil); err != nil || !strings.Contains(out, "PASS: TestDial") {
		t.Errorf("the App's own user: %v, %s", err, out)
	}
}
