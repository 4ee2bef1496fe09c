//go:build unix

package become

import (
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

// Lookup finds a user by number in any database of the host. It asks getent and id, because a
// program without cgo knows files only, and not LDAP. A number without a user is returned as a user
// that is named by the number and has a group of the same number.
func Lookup(uid int) (*User, error) {
	u := &User{UID: uid, GID: uid, Name: strconv.Itoa(uid), Home: "/"}
	out, err := tool("getent", "passwd", strconv.Itoa(uid))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return u, nil
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errNoTool) {
		return fromFiles(u)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up user %d: %w", uid, err)
	}
	f := strings.Split(strings.TrimSpace(out), ":")
	if len(f) < 6 {
		return nil, fmt.Errorf("looking up user %d: getent answered %.100q", uid, out)
	}
	u.Name, u.Home = f[0], f[5]
	if u.GID, err = strconv.Atoi(f[3]); err != nil {
		return nil, fmt.Errorf("looking up the group of user %q: %w", u.Name, err)
	}
	if out, err = tool("id", "-G", "--", u.Name); err != nil {
		return nil, fmt.Errorf("looking up the groups of user %q: %w", u.Name, err)
	}
	return u, u.in(strings.Fields(out))
}

// fromFiles is for hosts without getent.
func fromFiles(u *User) (*User, error) {
	found, err := user.LookupId(strconv.Itoa(u.UID))
	if _, unknown := errors.AsType[user.UnknownUserIdError](err); unknown {
		return u, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up user %d: %w", u.UID, err)
	}
	u.Name, u.Home = found.Username, found.HomeDir
	if u.GID, err = strconv.Atoi(found.Gid); err != nil {
		return nil, fmt.Errorf("looking up the group of user %q: %w", u.Name, err)
	}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("looking up the groups of user %q: %w", u.Name, err)
	}
	return u, u.in(groups)
}

// in sets the groups, without root's: a user in that group would keep a part of root's rights.
func (u *User) in(groups []string) error {
	for _, text := range groups {
		gid, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("looking up the groups of user %q: %w", u.Name, err)
		}
		if gid != 0 {
			u.Groups = append(u.Groups, gid)
		}
	}
	if u.GID == 0 {
		return fmt.Errorf("becoming user %q: its group is root's\nhint: give it a group of its own", u.Name)
	}
	return nil
}

var errNoTool = errors.New("it is not installed")

// tool runs a program of the system: never one from the caller's PATH.
func tool(name string, args ...string) (string, error) {
	for _, dir := range []string{"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"} {
		if _, err := exec.LookPath(dir + name); err != nil {
			continue
		}
		c := exec.Command(dir+name, args...)
		c.Env, c.Dir = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}, "/"
		out, err := c.Output()
		return string(out), err
	}
	return "", fmt.Errorf("running %s: %w", name, errNoTool)
}
