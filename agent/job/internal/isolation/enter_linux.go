package isolation

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Attr are the attributes by which the init of a world is started: in namespaces of its own, and
// with the one capability that building them takes.
func Attr(level Level) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if namespaces(level) == 0 {
		return attr
	}
	attr.Cloneflags = namespaces(level)
	uid, gid := os.Geteuid(), os.Getegid()
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP}
	return attr
}

// EnterTemplate builds the world of the plan around this process and gives up the right to change it.
// It binds the calling thread only, which must be locked. It is for a process whose forks join the worlds
// of orders: it may use setns, for which it has no capability outside of such worlds, and Landlock leaves it
// the files that the mounts leave it, because a fork cannot have more than it had. There is none without
// Landlock: in the namespaces of an order's init, which has all of the host in view at first, this user has
// every capability, and nothing else would keep the process from joining them, or from writing into that
// init's memory.
func EnterTemplate(p *Plan) error {
	fd, flags, err := rules(&Plan{Level: Filtered})
	if err != nil {
		return err
	}
	if fd < 0 {
		return errors.New("this kernel has no Landlock, without which a template could reach the inits of its orders")
	}
	defer unix.Close(fd)
	s := &steps{}
	filter, err := native.without(unix.SYS_SETNS).assemble()
	if err != nil {
		return err
	}
	if err := s.world(p, uintptr(fd), uintptr(flags), filter); err != nil {
		return err
	}
	return s.take()
}

// namespaces are those that the init of a world is born into.
func namespaces(level Level) uintptr {
	switch level {
	case Files:
		return unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWIPC
	case Full:
		return unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID
	}
	return 0
}

// enter adds the steps by which the init becomes who it is outside, builds the world of the plan
// around itself, and gives up the right to change it. ruleset is the descriptor of the Landlock
// rules, 0 if there are none.
func (s *steps) enter(p *Plan, ruleset, rulesetFlags uintptr) error {
	apart := namespaces(p.Level) != 0
	// What a process has in /proc is its own to write only while it may be looked into. Nothing of
	// the App runs yet.
	s.dumpable(1)
	s.write("putting Apps before all others when memory is short", "/proc/self/oom_score_adj", "500").unless(unix.ENOENT, unix.EACCES, unix.EROFS)
	if apart {
		s.write("mapping the user into the world", "/proc/self/setgroups", "deny").unless(unix.ENOENT)
		s.write("mapping the user into the world", "/proc/self/uid_map", fmt.Sprintf("%d %d 1", os.Geteuid(), os.Geteuid()))
		s.write("mapping the user into the world", "/proc/self/gid_map", fmt.Sprintf("%d %d 1", os.Getegid(), os.Getegid()))
	}
	filter, err := assembled()
	if err != nil {
		return err
	}
	return s.world(p, ruleset, rulesetFlags, filter)
}

// world adds the steps that build the world and give up the right to change it.
func (s *steps) world(p *Plan, ruleset, rulesetFlags uintptr, filter []unix.SockFilter) error {
	s.dumpable(0) // nobody in there may look into this process
	if namespaces(p.Level) != 0 {
		w := &world{plan: p, steps: s}
		if err := w.build(); err != nil {
			return err
		}
		if ruleset != 0 {
			s.mounted(ruleset)
		}
		s.dropCapabilities()
	}
	s.add("giving up new privileges", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if ruleset != 0 {
		s.add("setting the Landlock rules", unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, rulesetFlags).unless(unix.ENOSYS)
	}
	program := sockFprog{uint16(len(filter)), address(place(s, filter))}
	s.add("setting the system call filter", unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, put(s, program), 0, 0)
	return nil
}

func (s *steps) dumpable(n uintptr) {
	s.add("closing the init to others", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, n, 0, 0, 0)
}

// dropCapabilities leaves nothing that a program executed from here could regain.
func (s *steps) dropCapabilities() {
	for c := range lastCapability() + 1 {
		s.add("giving up capabilities", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
	}
	s.add("giving up inherited capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header, none := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
	s.add("giving up capabilities", unix.SYS_CAPSET, put(s, header), put(s, none))
}

// LastCapability is the highest that the kernel knows.
func LastCapability() int { return lastCapability() }

var lastCapability = sync.OnceValue(func() int {
	if data, err := os.ReadFile("/proc/sys/kernel/cap_last_cap"); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			return n
		}
	}
	return 40
})
