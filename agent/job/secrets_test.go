//go:build unix

package job

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSecrets: they are where they must be and nowhere else.
func TestSecrets(t *testing.T) {
	linuxOnly(t)
	const secret = "hunter2-very-secret"
	l := shell(t, "exec sleep 1000")
	l.Env = append(l.Env, "TC_APP_PARAM_KEY="+secret)
	l.Files = []File{{Path: "in/params", Data: []byte(secret)}}
	p := start(t, l)
	defer func() {
		_ = p.Cancel(t.Context())
		wait(t, p)
	}()
	for _, path := range []string{"cmdline", "environ", "status"} {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Status().ShimPID), path))
		if err != nil && !errors.Is(err, os.ErrPermission) || strings.Contains(string(data), secret) { // its own user may not even look
			t.Errorf("%s of the shim: %q, %v", path, data, err)
		}
	}
	files, _ := os.ReadDir(filepath.Join(l.Dir, "shim"))
	for _, f := range files {
		if data, _ := os.ReadFile(filepath.Join(l.Dir, "shim", f.Name())); strings.Contains(string(data), secret) {
			t.Errorf("%s: %q", f.Name(), data)
		}
	}
}
