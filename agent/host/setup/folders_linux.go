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
)

// folder is a row of the table of folders.
type folder struct {
	base, path   string // path is below base, which is root's
	owner, group string
	mode         uint32
	grants       map[string]uint16 // more for these users in the folder, by ACL
	inherited    map[string]uint16 // and in what is made there, by default ACL
}

// Folders below Home whose parents are threatconnect's are opened without
// following links: its owner must not be able to point root elsewhere.
func (h *Host) folders() []folder {
	const state = ".tcenvsvr/"
	return []folder{
		{h.Home, "", "root", "root", 0o755, nil, nil}, // not threatconnect's: who owns it could exchange the slots
		{h.Home, "a", "root", "root", 0o755, nil, nil},
		{h.Home, "a/bin", "root", "root", 0o755, nil, nil},
		{h.Home, "b", "root", "root", 0o755, nil, nil},
		{h.Home, "b/bin", "root", "root", 0o755, nil, nil},
		{h.Home, ".tcenvsvr", Agent, Agent, 0o711, nil, nil},
		{h.Home, state + "inbox", Agent, Agent, 0o700, nil, nil},
		{h.Home, state + "exchange", Agent, Agent, 0o711, nil, nil},
		{h.Home, state + "exchange/programs", Agent, Agent, 0o2770, map[string]uint16{Sandbox: 5}, map[string]uint16{Sandbox: 5}},
		// An App writes in the folder of its job, and cannot see or make others: what the
		// agent is about to make there must not be there already.
		{h.Home, state + "exchange/jobs", Agent, Agent, 0o2770, map[string]uint16{Agent: 7, Sandbox: 1}, map[string]uint16{Agent: 7, Sandbox: 7}},
		{"/etc", "threatconnect-envsvr", "root", "root", 0o755, nil, nil},
		{"/etc", "threatconnect-envsvr/certs.d", "root", "root", 0o755, nil, nil},
		{"/var/lib", "threatconnect-envsvr-updater", "root", "root", 0o700, nil, nil},
	}
}

func folders(ctx context.Context, h *Host) ([]Finding, error) {
	p, err := lookupPeople(ctx)
	if err != nil {
		return nil, err
	}
	var found []Finding
	var errs []error
	for _, f := range h.folders() {
		texts, err := f.look(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("folder %q: %w", f.name(), err))
		}
		for i, text := range texts {
			finding := Finding{Text: fmt.Sprintf("folder %q %s", f.name(), text), Fix: "set", do: func(context.Context) error { return nil }}
			if i == 0 { // one act puts all of it right
				finding.do = func(context.Context) error { return f.set(p) }
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

func (f folder) name() string { return filepath.Join(f.base, f.path) }

// people are the numbers of those to whom folders belong, -1 of those who do not exist.
type people map[string]account

func lookupPeople(ctx context.Context) (people, error) {
	p := people{"root": {}}
	for _, name := range []string{Agent, Sandbox} {
		user, err := lookupUser(ctx, name)
		if errors.Is(err, errNobody) {
			user.uid, err = -1, nil
		}
		if err != nil {
			return nil, err
		}
		if user.gid, err = lookupGroup(ctx, name); errors.Is(err, errNobody) {
			user.gid, err = -1, nil
		}
		if err != nil {
			return nil, err
		}
		p[name] = user
	}
	return p, nil
}

// lists are the ACLs of a folder by the names of their attributes; none where
// its mode says all.
type lists map[string][]byte

// wanted is what the folder's row means on this host; false if somebody of it does not exist.
func (f folder) wanted(p people) (uid, gid int, acls lists, ok bool) {
	uid, gid = p[f.owner].uid, p[f.group].gid
	ok = uid >= 0 && gid >= 0
	acls = lists{}
	for name, users := range map[string]map[string]uint16{acl.Access: f.grants, acl.Default: f.inherited} {
		var grants []acl.Grant
		for user, perm := range users {
			ok = ok && p[user].uid >= 0
			grants = append(grants, acl.Grant{UID: p[user].uid, Perm: perm})
		}
		if grants != nil && ok {
			slices.SortFunc(grants, func(a, b acl.Grant) int { return cmp.Compare(a.UID, b.UID) })
			acls[name] = acl.Attribute(7, grants)
		}
	}
	return uid, gid, acls, ok
}

// look says in which ways the folder is not as it should be.
func (f folder) look(p people) (texts []string, err error) {
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
	if got := st.Mode & 0o7777; got != f.mode {
		texts = append(texts, fmt.Sprintf("has mode %04o, not %04o", got, f.mode))
	}
	uid, gid, acls, ok := f.wanted(p)
	if !ok {
		return append(texts, fmt.Sprintf("is for %s, who do not all exist", strings.Join(f.concerned(), ", "))), nil
	}
	if int(st.Uid) != uid || int(st.Gid) != gid {
		texts = append(texts, fmt.Sprintf("belongs to %d:%d, not to %s:%s", st.Uid, st.Gid, f.owner, f.group))
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

// kinds are what people call the ACLs.
var kinds = map[string]string{acl.Access: "ACL", acl.Default: "default ACL"}

// granted are all whom an ACL of the folder names.
func (f folder) granted() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(f.grants)), maps.Keys(f.inherited))
	slices.Sort(names)
	return slices.Compact(names)
}

// concerned are all whom the folder's row names.
func (f folder) concerned() []string {
	names := append(f.granted(), f.owner, f.group)
	slices.Sort(names)
	return slices.Compact(names)
}

// set makes the folder what its row says, whatever it was.
func (f folder) set(p people) error {
	uid, gid, acls, ok := f.wanted(p)
	if !ok {
		return fmt.Errorf("%s do not all exist", strings.Join(f.concerned(), ", "))
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
	if err := unix.Fchmod(fd, f.mode); err != nil { // last: chown and ACLs change it
		return fmt.Errorf("chmod: %w", err)
	}
	return unix.Fsync(fd)
}

// open goes down to the folder step by step, and below base through no
// link. A missing folder is made if wanted, closed to everybody until it is set.
func (f folder) open(create bool) (int, error) {
	if create && f.path == "" {
		if err := os.MkdirAll(f.base, 0o755); err != nil {
			return -1, err
		}
	}
	fd, err := unix.Open(f.base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: f.base, Err: err}
	}
	for name := range strings.SplitSeq(f.path, "/") {
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
