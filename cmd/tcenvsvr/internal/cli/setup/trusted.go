package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/host/setup/interpreter"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// checkTrusted returns an error if root would run or unpack a file that another user, except the
// user who called sudo, could replace. If the files are a folder of the agent's user, root becomes
// that user instead.
func checkTrusted(e *env.Env, k interpreter.Kind, s sources) error {
	names := []string{s.from}
	if info, err := os.Stat(s.from); err == nil && info.IsDir() {
		if _, program, err := k.In(s.from); err == nil {
			names = append(names, program)
		}
		if s.wheels == "" {
			if became, err := becomeAgent(e, names); err != nil || became {
				return err
			}
		}
	}
	if s.wheels != "" {
		wheels, err := filepath.Glob(filepath.Join(s.wheels, "*.whl"))
		if err != nil {
			return err
		}
		names = append(append(names, s.wheels), wheels...)
	}
	for _, name := range names {
		u, path, err := stranger(e, name)
		if err != nil {
			return fmt.Errorf("setting up %s: %w", k.Name, err)
		}
		if u != nil {
			return fmt.Errorf("setting up %s: %q belongs to user %q, or a folder above it does, who could exchange it while root works with it\nhint: copy it to a folder of root's: \"sudo cp -r %s /opt/\"", k.Name, path, u.Name, path)
		}
	}
	return nil
}

// becomeAgent becomes the agent's user if that user could replace one of the files, and reports
// whether it did.
func becomeAgent(e *env.Env, names []string) (bool, error) {
	p, err := e.Paths()
	if err != nil {
		return false, err
	}
	agent, err := become.Owner(p.State)
	if err != nil || agent == nil {
		return false, err
	}
	for _, name := range names {
		if u, _, err := stranger(e, name); err == nil && u != nil && u.UID == agent.UID {
			return true, e.BecomeOwner()
		}
	}
	return false, nil
}

// stranger returns the user who could replace a file, nil if that is root or the user who called
// sudo.
func stranger(e *env.Env, name string) (u *become.User, path string, err error) {
	if name == "" {
		return nil, "", nil
	}
	if path, err = filepath.Abs(name); err != nil {
		return nil, "", err
	}
	u, err = become.Owner(path)
	if err != nil || u == nil || strconv.Itoa(u.UID) == e.Getenv("SUDO_UID") {
		return nil, path, err
	}
	return u, path, nil
}
