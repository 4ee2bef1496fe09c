package isolation

import (
	"fmt"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// rules are the Landlock rules for an App, as far as the kernel has it: a second line behind the
// mounts, and the only one against abstract sockets and signals of the host's other processes of
// the same user. fd is -1 where there are none.
//
// They are made before the world is built. What is mounted in it only is added then (mounted).
func rules(p *Plan) (fd int, flags uint32, err error) {
	list := []landlock.Rule{
		landlock.RODirs("/"),
		landlock.RWDirs("/dev", "/dev/shm", "/proc").IgnoreIfMissing().WithIoctlDev().WithRefer(),
	}
	if p.Level != Filtered { // the mounts say what may be written; before them everything is as on the host
		list = append(list, landlock.RWDirs(slices.Concat(tmps, p.Keep)...).IgnoreIfMissing().WithRefer())
	} else {
		list = []landlock.Rule{landlock.RWDirs("/").WithIoctlDev().WithRefer()}
	}
	handled := landlock.V6
	handled.HandledAccessNet = 0 // whom an App may talk to is the firewall's matter
	fd, flags, err = handled.BestEffort().NewRulesetFD(list...)
	if err != nil {
		return -1, 0, fmt.Errorf("making the Landlock rules: %w", err)
	}
	return fd, flags, nil
}

// mounted adds the steps by which the App may write where the world has mounts of its own.
func (s *steps) mounted(ruleset uintptr) {
	version, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < 1 {
		return
	}
	// All that this version knows of files: thirteen rights, and one more each since versions 2, 3
	// and 5.
	known := uint64(1)<<13 - 1
	for i, since := range []uintptr{2, 3, 5} {
		if version >= since {
			known |= 1 << (13 + i)
		}
	}
	const fd = firstFD
	for _, dir := range slices.Concat(tmps, []string{"/dev/shm", "/proc", queues}) {
		rights := known
		if slices.Contains(tmps, dir) {
			rights &^= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
		}
		rule := put(s, unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: fd})
		what := fmt.Sprintf("letting the App write to %q", dir)
		s.open(what, dir, unix.O_PATH|unix.O_NOFOLLOW, fd).unless(unix.ENOENT)
		s.add(what, unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, rule, 0).unless(unix.EBADF)
		s.close(fd)
	}
}
