package setup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/acl"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/host/tool"
)

// folder is a folder of package layout with the ACLs that the setup gives it.
type folder struct {
	layout.Folder
	grants    map[string]uint16 // more rights for these users in the folder, by ACL
	inherited map[string]uint16 // more rights in what is made there, by default ACL
}

// folders are all folders of the host. Those below a folder of the agent's user are opened without
// following links: that user must not be able to point root elsewhere.
func (h *Host) folders() []folder {
	var all []folder
	for _, f := range layout.Folders(h.Home) {
		row := folder{Folder: f}
		switch f.Path {
		case layout.Programs:
			row.grants = map[string]uint16{layout.Sandbox: 5}
			row.inherited = row.grants
		case layout.Jobs:
			// An App writes in the folder of its own job, and can neither list nor make others:
			// what the agent is about to make there must not be there already.
			row.grants = map[string]uint16{layout.Agent: 7, layout.Sandbox: 1}
			row.inherited = map[string]uint16{layout.Agent: 7, layout.Sandbox: 7}
		}
		all = append(all, row)
	}
	return all
}

func folders(ctx context.Context, h *Host) ([]plan.Finding, error) {
	p, err := lookupOwners(ctx)
	if err != nil {
		return nil, err
	}
	var found []plan.Finding
	var errs []error
	for _, f := range h.folders() {
		texts, err := f.deviations(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("folder %q: %w", f.name(), err))
		}
		for i, text := range texts {
			finding := plan.Finding{Text: fmt.Sprintf("folder %q %s", f.name(), text), Fix: "set", Do: func(context.Context) error { return nil }}
			if i == 0 { // one Do puts all of it right
				finding.Do = func(context.Context) error { return f.set(p) }
			}
			if text == missing {
				finding.Fix = "created"
			}
			found = append(found, finding)
		}
	}
	return found, errors.Join(errs...)
}

const missing = "does not exist"

func (f folder) name() string { return filepath.Join(f.Base, f.Path) }

// owners are the accounts to which folders belong, by name; the UID or GID of what does not exist is
// -1.
type owners map[string]tool.Account

func lookupOwners(ctx context.Context) (owners, error) {
	p := owners{"root": {}}
	for _, name := range []string{layout.Agent, layout.Sandbox} {
		user, err := tool.LookupUser(ctx, name)
		if errors.Is(err, tool.ErrNotFound) {
			user.UID, err = -1, nil
		}
		if err != nil {
			return nil, err
		}
		if user.GID, err = tool.LookupGroup(ctx, name); errors.Is(err, tool.ErrNotFound) {
			user.GID, err = -1, nil
		}
		if err != nil {
			return nil, err
		}
		p[name] = user
	}
	return p, nil
}

// lists are the ACLs of a folder by the names of their attributes. There is none where the mode
// alone decides.
type lists map[string][]byte

// wanted returns owner, group and ACLs of the folder in the numbers of this host. ok is false where
// a user or group does not exist.
func (f folder) wanted(p owners) (uid, gid int, acls lists, ok bool) {
	uid, gid = p[f.Owner].UID, p[f.Owner].GID
	ok = uid >= 0 && gid >= 0
	acls = lists{}
	for name, users := range map[string]map[string]uint16{acl.Access: f.grants, acl.Default: f.inherited} {
		var grants []acl.Grant
		for user, perm := range users {
			ok = ok && p[user].UID >= 0
			grants = append(grants, acl.Grant{UID: p[user].UID, Perm: perm})
		}
		if grants != nil && ok {
			slices.SortFunc(grants, func(a, b acl.Grant) int { return cmp.Compare(a.UID, b.UID) })
			acls[name] = acl.Attribute(7, grants)
		}
	}
	return uid, gid, acls, ok
}

// deviations returns in which ways the folder is not as it should be.
func (f folder) deviations(p owners) (texts []string, err error) {
	fd, err := f.open(false)
	if errors.Is(err, os.ErrNotExist) {
		return []string{missing}, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if got := st.Mode & 0o7777; got != uint32(f.Mode) {
		texts = append(texts, fmt.Sprintf("has mode %04o, not %04o", got, uint32(f.Mode)))
	}
	uid, gid, acls, ok := f.wanted(p)
	if !ok {
		return append(texts, fmt.Sprintf("is for %s, who do not all exist", strings.Join(f.concerned(), ", "))), nil
	}
	if int(st.Uid) != uid || int(st.Gid) != gid {
		texts = append(texts, fmt.Sprintf("belongs to %d:%d, not to %s:%s", st.Uid, st.Gid, f.Owner, f.Owner))
	}
	for name, list := range acls {
		got, err := acl.Get(fd, name)
		if err != nil {
			return texts, err
		}
		if !bytes.Equal(got, list) {
			texts = append(texts, fmt.Sprintf("has not the %s that it should have for %s", kinds[name], strings.Join(f.granted(), " and ")))
		}
	}
	slices.Sort(texts)
	return texts, nil
}

// kinds are the names of ACLs for people.
var kinds = map[string]string{acl.Access: "ACL", acl.Default: "default ACL"}

// granted are the users whom an ACL of the folder names.
func (f folder) granted() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(f.grants)), maps.Keys(f.inherited))
	slices.Sort(names)
	return slices.Compact(names)
}

// concerned are all users whom the folder's row names.
func (f folder) concerned() []string {
	names := append(f.granted(), f.Owner)
	slices.Sort(names)
	return slices.Compact(names)
}

// set makes the folder, where it does not exist, and gives it owner, ACLs and mode.
func (f folder) set(p owners) error {
	uid, gid, acls, ok := f.wanted(p)
	if !ok {
		return fmt.Errorf("it is for %s, who do not all exist", strings.Join(f.concerned(), ", "))
	}
	fd, err := f.open(true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Fchown(fd, uid, gid); err != nil {
		return fmt.Errorf("chown: %w", err)
	}
	for name, list := range acls {
		if err := acl.Set(fd, name, list); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, uint32(f.Mode)); err != nil { // last: chown and ACLs change it
		return fmt.Errorf("chmod: %w", err)
	}
	return unix.Fsync(fd)
}

// open walks down to the folder one folder at a time and follows no link below Base. With create it
// makes missing folders, closed to everybody until they are set.
func (f folder) open(create bool) (int, error) {
	if create && f.Path == "" {
		if err := os.MkdirAll(f.Base, 0o755); err != nil {
			return -1, err
		}
	}
	fd, err := unix.Open(f.Base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: f.Base, Err: err}
	}
	for name := range strings.SplitSeq(f.Path, "/") {
		if name == "" {
			continue
		}
		if create {
			if err := unix.Mkdirat(fd, name, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
				_ = unix.Close(fd)
				return -1, &os.PathError{Op: "mkdir", Path: name, Err: err}
			}
		}
		next, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		_ = unix.Close(fd)
		if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			return -1, fmt.Errorf("%q is not a folder but a file or a link: remove it", name)
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: name, Err: err}
		}
		fd = next
	}
	return fd, nil
}
