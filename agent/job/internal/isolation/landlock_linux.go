package isolation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// landlocked binds this thread, and all that it starts, by Landlock, as far as the kernel has it: a
// second line behind the mounts, and the only one against abstract sockets and signals of the
// host's other processes of the same user.
func landlocked(p *Plan) error {
	rules := []landlock.Rule{
		landlock.RODirs("/"),
		landlock.RWDirs("/dev", "/dev/shm", "/proc").IgnoreIfMissing().WithIoctlDev().WithRefer(),
	}
	if p.Level != Filtered { // the mounts say what may be written; before them everything is as on the host
		rules = append(rules, landlock.RWDirs(slices.Concat(tmps, p.Keep, []string{queues})...).IgnoreIfMissing().WithRefer())
	} else {
		rules = []landlock.Rule{landlock.RWDirs("/").WithIoctlDev().WithRefer()}
	}
	handled := landlock.V6
	handled.HandledAccessNet = 0 // whom an App may talk to is the firewall's matter
	fd, flags, err := handled.BestEffort().NewRulesetFD(rules...)
	if err != nil {
		return fmt.Errorf("making the Landlock rules: %w", err)
	}
	if fd < 0 {
		return nil
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), uintptr(flags), 0); errno != 0 && !errors.Is(errno, unix.ENOSYS) {
		return fmt.Errorf("setting the Landlock rules: %w", errno)
	}
	return nil
}
