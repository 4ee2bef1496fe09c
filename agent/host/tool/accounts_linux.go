package tool

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Account is a user by numbers. Groups are the further ones, where they are known.
type Account struct {
	UID, GID int
	Groups   []uint32
}

// ErrNotFound means that the host has no such user or group.
var ErrNotFound = errors.New("does not exist")

// LookupUser finds a user in any database that the host is configured for, LDAP among them. It is
// [ErrNotFound] where there is none. Groups is left empty.
func LookupUser(ctx context.Context, name string) (Account, error) {
	f, err := getent(ctx, "passwd", name, 4)
	if err != nil {
		return Account{}, err
	}
	uid, err1 := strconv.Atoi(f[2])
	gid, err2 := strconv.Atoi(f[3])
	if err := errors.Join(err1, err2); err != nil {
		return Account{}, fmt.Errorf("looking up user %q: %w", name, err)
	}
	return Account{UID: uid, GID: gid}, nil
}

// LookupGroup finds the number of a group, or [ErrNotFound].
func LookupGroup(ctx context.Context, name string) (int, error) {
	f, err := getent(ctx, "group", name, 3)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(f[2])
}

// Groups returns the numbers of all groups of a user.
func Groups(ctx context.Context, name string) ([]uint32, error) {
	out, err := stdout(ctx, "id", "-G", name)
	if err != nil {
		return nil, fmt.Errorf("looking up the groups of %q: %w", name, err)
	}
	var groups []uint32
	for _, field := range strings.Fields(string(out)) {
		gid, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("looking up the groups of %q: %w", name, err)
		}
		groups = append(groups, uint32(gid))
	}
	return groups, nil
}

// GroupNames returns the names of all groups of a user.
func GroupNames(ctx context.Context, name string) ([]string, error) {
	out, err := stdout(ctx, "id", "-nG", name)
	return strings.Fields(string(out)), err
}

// getent asks all databases of the host, which a program without cgo cannot do itself.
func getent(ctx context.Context, database, name string, fields int) ([]string, error) {
	out, err := stdout(ctx, "getent", database, name)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return nil, fmt.Errorf("%s entry %q: %w", database, name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s entry %q: %w", database, name, err)
	}
	f := strings.Split(strings.TrimSpace(string(out)), ":")
	if len(f) < fields {
		return nil, fmt.Errorf("looking up %s entry %q: getent answered %.100q", database, name, out)
	}
	return f, nil
}

// stdout runs a tool and returns its standard output, and its error as it is.
func stdout(ctx context.Context, name string, args ...string) ([]byte, error) {
	c, err := Command(ctx, name, args...)
	if err != nil {
		return nil, err
	}
	return c.Output()
}
