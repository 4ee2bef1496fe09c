package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A command inside gets this environment and no other.
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
}

// limit bounds one command; only a hang reaches it.
const limit = 3 * time.Minute

// Command prepares a command that runs inside, as root.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	into := []string{"--target", strconv.Itoa(h.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"}
	if h.apart {
		into = append(into, "--user")
	}
	into = append(into, "--", "env", "-i")
	return exec.CommandContext(ctx, "nsenter", append(append(into, environment...), args...)...)
}

// Try runs a command inside and returns all it printed; the error has it too.
func (h *Host) Try(args ...string) (string, error) {
	return h.TryInput("", args...)
}

// TryInput is Try with a standard input.
func (h *Host) TryInput(input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.t.Context()), limit)
	defer cancel()
	cmd := h.Command(ctx, args...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, lastLines(out.String(), 30))
	}
	return out.String(), nil
}

// Run runs a command that must succeed and returns all it printed.
func (h *Host) Run(args ...string) string {
	h.t.Helper()
	out, err := h.Try(args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Refused runs a command that must fail and returns what it printed, in which each of the words
// must be.
func (h *Host) Refused(words []string, args ...string) string {
	h.t.Helper()
	out, err := h.Try(args...)
	if err == nil {
		h.t.Fatalf("%s succeeded: %s", strings.Join(args, " "), out)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			h.t.Errorf("%s failed without saying %q: %s", strings.Join(args, " "), word, out)
		}
	}
	return out
}

// Path is where a file of the machine is for us.
func (h *Host) Path(inside string) string {
	return filepath.Join("/proc", strconv.Itoa(h.pid), "root", inside)
}

// Read returns a file of the machine.
func (h *Host) Read(inside string) string {
	h.t.Helper()
	text, err := os.ReadFile(h.Path(inside))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// Write makes or replaces a file of the machine.
func (h *Host) Write(inside, text string, mode os.FileMode) {
	h.t.Helper()
	path := h.Path(inside)
	must(h.t, os.WriteFile(path, []byte(text), mode), "writing "+inside)
	must(h.t, os.Chmod(path, mode), "writing "+inside)
}
