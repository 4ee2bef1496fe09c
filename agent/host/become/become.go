package become

import (
	"errors"
	"os"
	"slices"
	"strings"
)

// Reasons why there is no user whom root could safely become.
var (
	// ErrMixed means that more than one lesser user could exchange the path.
	ErrMixed = errors.New("it is not one user's")
	// ErrOpen means that root owns all of the path, but a group or everybody may exchange it.
	ErrOpen = errors.New("it is root's, but not root's alone")
)

// User is a lesser user whom root can become.
type User struct {
	UID, GID int
	Groups   []int // further groups
	Name     string
	Home     string // as the user database has it
}

// elsewhere are variables that name folders of the user who started us. PWD is among them because
// os.Getwd examines the folder that it names, and fails in one of root's; without PWD it asks the
// system.
var elsewhere = []string{"PWD", "OLDPWD", "HOME", "USER", "LOGNAME", "MAIL", "TMPDIR", "XAUTHORITY", "KRB5CCNAME"}

// Environ returns environ as it has to be for the user: variables that name folders of root's are
// replaced or left out.
func (u *User) Environ(environ []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(elsewhere, name) || strings.HasPrefix(name, "XDG_")
	})
	return append(kept, "HOME="+u.Home, "USER="+u.Name, "LOGNAME="+u.Name)
}

// apply makes the environment of this process what Environ says.
func (u *User) apply() {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(elsewhere, name) || strings.HasPrefix(name, "XDG_") {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{"HOME": u.Home, "USER": u.Name, "LOGNAME": u.Name} {
		_ = os.Setenv(name, value)
	}
}
