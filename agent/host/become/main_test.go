//go:build unix

package become

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// role has this binary play a part of a test as a process of its own: a process that became another
// user cannot go back.
const role = "BECOME_TEST_ROLE"

func TestMain(m *testing.M) {
	name := os.Getenv(role)
	if len(os.Args) == 2 { // of Run, which hands on no environment
		name, _ = strings.CutPrefix(os.Args[1], "role=")
		if _, ok := roles[name]; !ok && strings.HasPrefix(os.Args[1], "role=") {
			fmt.Fprintln(os.Stderr, "no such role")
			os.Exit(1)
		}
	}
	play, ok := roles[name]
	if !ok {
		os.Exit(m.Run())
	}
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var roles = map[string]func() error{
	"drop": func() error {
		u, err := Owner(os.Getenv("BECOME_TEST_PATH"))
		if err != nil || u == nil {
			return fmt.Errorf("owner: %v, %w", u, err)
		}
		if _, err := u.Drop(); err != nil {
			return err
		}
		fmt.Println(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid(), os.Getenv("HOME"), os.Getenv("TMPDIR"))
		for what, try := range map[string]func() error{
			"setuid":    func() error { return syscall.Setuid(0) },
			"setgid":    func() error { return syscall.Setgid(0) },
			"setgroups": func() error { return syscall.Setgroups([]int{0}) },
		} {
			if try() == nil {
				return errors.New(what + " made it root again")
			}
		}
		_, err = os.Stdin.Read(make([]byte, 1)) // until the test has looked
		return err
	},
	"id": func() error { // as Run has it
		_, err := fmt.Println(os.Getuid(), os.Getgid(), os.Getenv("SECRET"), os.Getenv("USER"))
		return err
	},
	"flood": func() error {
		for chunk := strings.Repeat("x", 1<<20); ; {
			if _, err := fmt.Print(chunk); err != nil {
				return err
			}
		}
	},
}

// playing prepares a role.
func playing(name string, env ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), append(env, role+"="+name)...)
	return c
}
