package tool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// folders are where tools are looked for.
var folders = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// Find returns the path of a tool, "" where it is not installed.
func Find(name string) string {
	for _, dir := range folders {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// Command prepares a tool.
func Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path := Find(name)
	if path == "" {
		return nil, fmt.Errorf("running %s: it is not installed", name)
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Env = []string{"PATH=" + strings.Join(folders, ":"), "LC_ALL=C"}
	c.WaitDelay = 5 * time.Second
	return c, nil
}

// CommandAs prepares a tool that runs as a user and in a session of its own, so that it can ask
// nobody for a password. Only root can start it.
func CommandAs(ctx context.Context, user Account, name string, args ...string) (*exec.Cmd, error) {
	c, err := Command(ctx, name, args...)
	if err != nil {
		return nil, err
	}
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Credential: &syscall.Credential{Uid: uint32(user.UID), Gid: uint32(user.GID), Groups: user.Groups},
	}
	return c, nil
}

// Run runs a tool. Its error ends with the last line that the tool printed.
func Run(ctx context.Context, name string, args ...string) error {
	_, err := Output(ctx, name, args...)
	return err
}

// Output runs a tool and returns what it printed on both streams. Its error is that of [Run].
func Output(ctx context.Context, name string, args ...string) (string, error) {
	c, err := Command(ctx, name, args...)
	if err != nil {
		return "", err
	}
	out, err := c.CombinedOutput()
	return string(out), Failure(name, string(out), err)
}

// Failure adds to the error of a tool the last line that it printed; nil stays nil.
func Failure(name, out string, err error) error {
	if err == nil {
		return nil
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(out), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "sudo: unable to resolve host") // which keeps sudo from nothing
	})
	if len(lines) == 0 {
		lines = []string{""}
	}
	last := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), name+":"))
	if last == "" {
		return fmt.Errorf("running %s: %w", name, err)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("running %s: %s", name, last)
	}
	return fmt.Errorf("running %s: %w: %s", name, err, last)
}

// SELinuxEnforce is the file that says whether SELinux enforces; it exists where SELinux runs.
const SELinuxEnforce = "/sys/fs/selinux/enforce"

// SELinux reports whether SELinux runs.
func SELinux() bool {
	_, err := os.Stat(SELinuxEnforce)
	return err == nil
}
