package become

import (
	"errors"
	"os"
	"slices"
	"strings"
)

// Reasons why there is no one whom root could safely become.
var (
	// ErrMixed: more than one lesser user could exchange the path.
	ErrMixed = errors.New("it is not one user's")
	// ErrOpen: all of it is root's, but a group or everybody may exchange it.
	ErrOpen = errors.New("it is root's, but not root's alone")
)

// User is a lesser user whom root can become.
type User struct {
	UID, GID int
	Groups   []int // further groups
	Name     string
	Home     string // as the user database has it
}

// elsewhere are variables that name folders of whoever started us. With PWD, os.Getwd
// looks at the folder, and fails in one of root's; without it the system is asked.
var elsewhere = []string{"PWD", "OLDPWD", "HOME", "USER", "LOGNAME", "MAIL", "TMPDIR", "XAUTHORITY", "KRB5CCNAME"}

// Environ is environ as it is right for the user: what names folders of
// root's is replaced or left out.
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
