package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// UnstartableError is a change after which the agent would not start.
type UnstartableError struct {
	Reason error
	Try    string
}

func (e *UnstartableError) Error() string {
	return fmt.Sprintf("the agent would not start with these settings: %v\nhint: %s\nhint: --force saves them all the same", e.Reason, e.Try)
}

func (e *UnstartableError) Unwrap() error { return e.Reason }

// startable refuses changes that would keep an agent from starting that starts now. Settings that
// do not work yet may be fixed step by step.
func startable(p paths.Paths, changes map[string]string) settings.Veto {
	return func(before, after settings.Settings) error {
		if err := after.Check(); err != nil && before.Check() == nil {
			return &UnstartableError{err, "type: " + completed(changes, err)}
		}
		if err := after.Enrolled(); err != nil && before.Enrolled() == nil {
			return &UnstartableError{err, "\"tcenvsvr unenroll\" takes this server from its cloud"}
		}
		if _, changed := changes["keystorePassword"]; changed {
			if _, err := parts.LoadIdentity(p, after); errors.Is(err, bundle.ErrPassword) {
				return &UnstartableError{err, "it opens the keystore that is there; enrolling writes both"}
			}
		}
		return nil
	}
}

// MissingError is a setting that names a place where nothing is.
type MissingError struct {
	Setting string
	Err     error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%v\nhint: name the folder or the program of an installation that is there; --force saves it all the same", e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }

// there refuses interpreters that are not there: each App would fail.
func there(changes map[string]string) error {
	for _, name := range []string{"appsJavaHome", "appsPythonHome", "appsPythonHome311"} {
		if path := changes[name]; path != "" {
			if err := launch.Look(name, path); err != nil {
				return &MissingError{name, err}
			}
		}
	}
	return nil
}

// completed returns the command with the further changes that it needs.
func completed(changes map[string]string, conflicts error) string {
	command := "tcenvsvr settings set"
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		switch s, _ := settings.Lookup(name); {
		case s.Secret && changes[name] != "":
			command += " " + name
		case strings.ContainsAny(changes[name], " '\"\\$`"):
			command += fmt.Sprintf(" %s='%s'", name, strings.ReplaceAll(changes[name], "'", `'\''`))
		default:
			command += fmt.Sprintf(" %s=%s", name, changes[name])
		}
	}
	for _, err := range flatten(conflicts) {
		c, ok := errors.AsType[*settings.ConflictError](err)
		if !ok {
			continue
		}
		for _, mend := range c.Mends {
			name, _, _ := strings.Cut(mend, "=")
			if _, changed := changes[name]; !changed { // that one is wanted
				command += " " + mend
				break
			}
		}
	}
	return command
}
