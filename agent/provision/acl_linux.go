package provision

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Names of the attributes in which Linux keeps ACLs. setfacl is not needed, and often not there.
const (
	accessACL  = "system.posix_acl_access"
	defaultACL = "system.posix_acl_default"
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

// grant gives a user more than others have.
type grant struct {
	uid  int
	perm uint16 // rwx as 4, 2, 1
}

// acl is the attribute of a folder of rwxrwx--- with grants, which are in
// the order of their uids. Its mask is rwx, so that the group bits of the mode, which
// show the mask, are what rpm -V expects.
func acl(grants []grant) []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	entry := func(tag, perm uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, perm)
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	entry(tagOwner, 7, noID)
	for _, g := range grants {
		entry(tagUser, g.perm, uint32(g.uid))
	}
	entry(tagGroup, 7, noID)
	entry(tagMask, 7, noID)
	entry(tagOther, 0, noID)
	return b
}

// getACL is the attribute as it is, nil without one.
func getACL(fd int, name string) ([]byte, error) {
	buf := make([]byte, 4096)
	n, err := unix.Fgetxattr(fd, name, buf)
	switch {
	case errors.Is(err, unix.ENODATA):
		return nil, nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, errors.New("the file system has no ACLs: mount it with the option acl, or move the folder to one that has them")
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return buf[:n], nil
}

func setACL(fd int, name string, value []byte) error {
	if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}
