//go:build unix

package become

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Drop makes this process the user, in all its threads and for good, and gives up its controlling
// terminal. It returns the terminal, so that a person can still be asked; nil where there is none,
// or where the process could keep it.
func (u *User) Drop() (terminal *os.File, err error) {
	if terminal, err = leaveTerminal(); err != nil {
		return nil, u.failed(err)
	}
	if err := syscall.Setgroups(u.Groups); err != nil {
		return nil, u.failed(fmt.Errorf("leaving root's groups: %w", err))
	}
	if err := syscall.Setgid(u.GID); err != nil {
		return nil, u.failed(fmt.Errorf("taking group %d: %w", u.GID, err))
	}
	if err := syscall.Setuid(u.UID); err != nil {
		return nil, u.failed(err)
	}
	if syscall.Setuid(0) == nil || os.Geteuid() != u.UID || os.Getuid() != u.UID || os.Getegid() != u.GID {
		return nil, u.failed(errors.New("the system let it become root again"))
	}
	if err := hide(); err != nil {
		return nil, u.failed(err)
	}
	u.apply()
	return terminal, nil
}

func (u *User) failed(err error) error { return fmt.Errorf("becoming user %q: %w", u.Name, err) }

// Command prepares this program to run as the user, in a session of its own, without a terminal,
// and without root's environment.
func (u *User) Command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := self()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Args[0] = name
	c.Env = u.Environ([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"})
	c.Dir = "/"
	c.WaitDelay = 5 * time.Second
	groups := make([]uint32, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = uint32(g)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: groups}}
	return c, nil
}
