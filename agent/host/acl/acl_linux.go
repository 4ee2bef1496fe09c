package acl

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Names of the attributes in which Linux keeps ACLs. The tool setfacl is not needed, and often not
// installed.
const (
	Access  = "system.posix_acl_access"
	Default = "system.posix_acl_default" // for what is made in a folder later
)

// Tags of entries, in the order that the kernel demands.
const (
	tagOwner = 0x01
	tagUser  = 0x02
	tagGroup = 0x04
	tagMask  = 0x10
	tagOther = 0x20
)

const (
	aclVersion = 2
	noID       = 0xffffffff
)

// Attribute returns the attribute that gives rwx to the owner, the rights group to the group,
// nothing to others, and grants, which must be sorted by UID. Its mask is rwx, so that the group
// bits of the mode, which show the mask, are what rpm -V expects.
func Attribute(group uint16, grants []Grant) []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	entry := func(tag, perm uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, perm)
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	entry(tagOwner, 7, noID)
	for _, g := range grants {
		entry(tagUser, g.Perm, uint32(g.UID))
	}
	entry(tagGroup, group, noID)
	entry(tagMask, 7, noID)
	entry(tagOther, 0, noID)
	return b
}

var errNone = errors.New("the file system has no ACLs: mount it with the option acl, or move the folder to one that has them")

// Get returns the attribute of an open file; nil where it has none.
func Get(fd int, name string) ([]byte, error) {
	buf := make([]byte, 4096)
	n, err := unix.Fgetxattr(fd, name, buf)
	switch {
	case errors.Is(err, unix.ENODATA):
		return nil, nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, errNone
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return buf[:n], nil
}

// Set replaces the attribute of an open file.
func Set(fd int, name string, value []byte) error {
	err := unix.Fsetxattr(fd, name, value, 0)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return errNone
	case err != nil:
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// Share gives the users of here access to a folder, and those of within, if any, access to what is
// made in it later. The group gets nothing.
func Share(folder *os.File, here, within []Grant) error {
	fd := int(folder.Fd())
	err := Set(fd, Access, Attribute(0, sorted(here)))
	if err == nil && within != nil {
		err = Set(fd, Default, Attribute(0, sorted(within)))
	}
	if err != nil {
		return fmt.Errorf("opening %q to others: %w", folder.Name(), err)
	}
	return nil
}

func sorted(grants []Grant) []Grant {
	return slices.SortedFunc(slices.Values(grants), func(a, b Grant) int { return cmp.Compare(a.UID, b.UID) })
}
