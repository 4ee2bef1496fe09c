package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// toolPath is where tools are looked for: never in the caller's PATH, which a sudo -E may have kept.
var toolPath = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// find is the path of a tool, "" where it is not installed.
func find(name string) string {
	for _, dir := range toolPath {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// command prepares a tool; what it says is to be in a language that we and searches know.
func command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path := find(name)
	if path == "" {
		return nil, fmt.Errorf("running %s: it is not installed", name)
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Env = []string{"PATH=" + strings.Join(toolPath, ":"), "LC_ALL=C"}
	c.WaitDelay = 5 * time.Second
	return c, nil
}

// tool runs a tool. Its error ends with what the tool said last.
func tool(ctx context.Context, name string, args ...string) error {
	_, err := toolOutput(ctx, name, args...)
	return err
}

func toolOutput(ctx context.Context, name string, args ...string) (string, error) {
	c, err := command(ctx, name, args...)
	if err != nil {
		return "", err
	}
	out, err := c.CombinedOutput()
	return string(out), said(name, string(out), err)
}

// said adds to err the last thing a tool said before it failed.
func said(name, out string, err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), name+":"))
	if last == "" {
		return fmt.Errorf("running %s: %w", name, err)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("running %s: %s", name, last)
	}
	return fmt.Errorf("running %s: %w: %s", name, err, last)
}

// lookupOutput is a tool's stdout, and its own error.
func lookupOutput(ctx context.Context, name string, args ...string) ([]byte, error) {
	c, err := command(ctx, name, args...)
	if err != nil {
		return nil, err
	}
	return c.Output()
}
