package isolation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// rules are those of the App of a plan.
func rules(p *Plan) []landlock.Rule {
	if p.Level == Filtered { // there are no mounts that say what may be written: everything is as on the host
		return everywhere()
	}
	return []landlock.Rule{
		landlock.RODirs("/"),
		landlock.RWDirs("/dev", "/dev/shm", "/proc").IgnoreIfMissing().WithIoctlDev().WithRefer(),
		landlock.RWDirs(append(slices.Clip(tmps), p.Keep...)...).IgnoreIfMissing().WithRefer(),
	}
}

// everywhere leaves every file as it is.
func everywhere() []landlock.Rule {
	return []landlock.Rule{landlock.RWDirs("/").WithIoctlDev().WithRefer()}
}

// landlocked binds this thread, and all that it starts, by Landlock, as far as the kernel has it: a
// second line behind the mounts, and the only one against abstract sockets and signals of the host's
// other processes of the same user.
func landlocked(rules []landlock.Rule) error {
	fd, flags, err := ruleset(rules)
	if err != nil || fd < 0 {
		return err
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), uintptr(flags), 0); errno != 0 && !errors.Is(errno, unix.ENOSYS) {
		return fmt.Errorf("setting the Landlock rules: %w", errno)
	}
	return nil
}

// Ruleset is the Landlock rules of a plan, for another process that binds itself by them: the world
// is built, and seen by the caller. fd is -1 on kernels without Landlock.
func Ruleset(p *Plan) (fd int, flags uint32, err error) { return ruleset(rules(p)) }

func ruleset(rules []landlock.Rule) (fd int, flags uint32, err error) {
	handled := landlock.V6
	handled.HandledAccessNet = 0 // whom an App may talk to is the firewall's matter
	fd, flags, err = handled.BestEffort().NewRulesetFD(rules...)
	if err != nil {
		return -1, 0, fmt.Errorf("making the Landlock rules: %w", err)
	}
	return fd, flags, nil
}
