package svc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	kardianos "github.com/kardianos/service"
)

// script is where SysV and OpenRC have ours.
const script = "/etc/init.d/" + Name

// status is kardianos', but for SysV, where it reads words of its own script, of which exit codes
// mean the same in every script; and for systemd, where a unit that failed, or is between two
// starts, is no unit to it.
func (s *Service) status() (kardianos.Status, error) {
	switch s.Platform() {
	case "linux-systemd":
		return unitStatus(exec.Command("systemctl", "show", "--property=LoadState,ActiveState", Name+".service").Output())
	case "unix-systemv":
	default:
		return s.Status()
	}
	if _, err := os.Stat(script); err != nil {
		return kardianos.StatusUnknown, kardianos.ErrNotInstalled
	}
	err := exec.Command(script, "status").Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 3 {
		return kardianos.StatusStopped, nil
	}
	if err != nil {
		return kardianos.StatusUnknown, err
	}
	return kardianos.StatusRunning, nil
}

// unitStatus reads what systemctl show says.
func unitStatus(said []byte, err error) (kardianos.Status, error) {
	if err != nil {
		return kardianos.StatusUnknown, err
	}
	states := map[string]string{}
	for line := range strings.Lines(string(said)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		states[name] = value
	}
	switch states["ActiveState"] {
	case "active", "reloading", "activating":
		return kardianos.StatusRunning, nil
	}
	if states["LoadState"] == "not-found" {
		return kardianos.StatusUnknown, kardianos.ErrNotInstalled
	}
	return kardianos.StatusStopped, nil
}

// enable has SysV hosts with chkconfig make the links from the script's header; kardianos has made
// plain ones for the others.
func enable(platform string) error {
	if platform != "unix-systemv" {
		return nil
	}
	tool, err := exec.LookPath("chkconfig")
	if err != nil {
		return nil
	}
	if err := removeLinks(); err != nil {
		return err
	}
	for _, args := range [][]string{{"--add", Name}, {Name, "on"}} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("running chkconfig %v: %w: %s", args, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// disable removes the links of SysV, which kardianos leaves behind.
func disable(platform string) error {
	if platform != "unix-systemv" {
		return nil
	}
	return removeLinks()
}

func removeLinks() error {
	links, err := filepath.Glob("/etc/rc[0-6].d/[SK][0-9][0-9]" + Name)
	if err != nil {
		return err
	}
	for _, link := range links {
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("removing %q: %w", link, err)
		}
	}
	return nil
}
