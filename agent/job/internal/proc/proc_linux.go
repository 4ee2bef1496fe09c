package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Of identifies the process pid, which may be a zombie. ErrGone if there is none.
func Of(pid int) (ID, error) {
	var buf [statSize]byte
	p, _, err := parseStat(readProc(statPath(pid), buf[:]))
	if err != nil {
		return ID{}, ErrGone
	}
	return p.ID, nil
}

// Alive reports whether the process of id still runs. If its entry in /proc cannot be read, because
// other users' processes are hidden (hidepid) or we may open no more files, the number alone
// decides: a process that cannot be seen need not be gone.
func Alive(id ID) bool {
	p, err := stat(id.PID)
	if err == nil {
		return p.Start == id.Start
	}
	return id.PID > 1 && !errors.Is(unix.Kill(id.PID, 0), unix.ESRCH)
}

// bootID is remembered once it is known: a temporary lack of descriptors is no other boot.
var bootID atomic.Pointer[string]

// BootID changes whenever the host starts; "" if it cannot be known.
func BootID() string {
	if id := bootID.Load(); id != nil {
		return *id
	}
	id := string(bytes.TrimSpace(readProc("/proc/sys/kernel/random/boot_id", make([]byte, 64))))
	if id != "" {
		bootID.Store(&id)
	}
	return id
}

// List returns all living processes that this user may see.
func List() ([]Info, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	names, err := dir.Readdirnames(-1)
	_ = dir.Close()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var list []Info
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if pid, err := strconv.Atoi(name); err == nil {
			if p, err := stat(pid); err == nil { // else it ended meanwhile
				list = append(list, p)
			}
		}
	}
	return list, nil
}

// Signal sends sig to the process of id, and never to another one that got its number: the
// descriptor is opened first and the start time checked after that. ErrGone if the process has
// ended.
func Signal(id ID, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err == nil {
		defer unix.Close(fd)
	}
	if p, statErr := stat(id.PID); statErr != nil || p.Start != id.Start {
		return ErrGone
	}
	if err == nil {
		err = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
	if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EPERM) { // no pidfd before Linux 5.3
		err = unix.Kill(id.PID, sig)
	}
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// Mentions reports whether the process was started with dir, or a path below it, in its
// environment. Its working directory does not count: an administrator may be looking into the
// folder. It is false for another user's processes.
func Mentions(pid int, dir string) bool {
	env := environ(pid)
	for v := range strings.SplitSeq(string(env), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		if name != "PWD" && name != "OLDPWD" && (value == dir || strings.HasPrefix(value, dir+"/")) {
			return true
		}
	}
	return false
}

// maxSockets bounds how many descriptors of a process are looked at for sockets.
const maxSockets = 4096

// Sockets adds the numbers of the sockets that a process holds, as /proc/net lists them.
func Sockets(pid int, to map[uint64]bool) {
	path := "/proc/" + strconv.Itoa(pid) + "/fd"
	dir, err := os.Open(path)
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(maxSockets)
	for _, name := range names {
		link, _ := os.Readlink(path + "/" + name)
		text, is := strings.CutPrefix(link, "socket:[")
		if n, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); is && err == nil {
			to[n] = true
		}
	}
}

// maxEnviron bounds what is read of an environment, in bytes. The kernel starts nothing with more; but a
// process may say that all of its memory is one (PR_SET_MM).
const maxEnviron = 6 << 20

func readEnviron(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxEnviron))
}

// environ is the environment that a process was started with. If its first thread has ended, only
// the other threads show it.
func environ(pid int) []byte {
	path := "/proc/" + strconv.Itoa(pid)
	if env, err := readEnviron(path + "/environ"); len(env) > 0 || errors.Is(err, os.ErrPermission) {
		return env
	}
	threads, _ := os.ReadDir(path + "/task")
	for _, t := range threads {
		if env, _ := readEnviron(path + "/task/" + t.Name() + "/environ"); len(env) > 0 {
			return env
		}
	}
	return nil
}

const statSize = 1024 // of /proc/PID/stat at most, and then some

func statPath(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/stat" }

// stat looks at a living process. ErrGone for zombies, too.
func stat(pid int) (Info, error) {
	var buf [statSize]byte
	p, state, err := parseStat(readProc(statPath(pid), buf[:]))
	if err != nil || state == 'X' || state == 'Z' && !othersRun(pid) {
		return Info{}, ErrGone
	}
	p.Stopped = state == 'T'
	return p, nil
}

// othersRun reports whether a process whose first thread has ended has another thread that runs.
// Such a process looks like a zombie, and an App may hide so.
func othersRun(pid int) bool {
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	return err == nil && len(threads) > 1
}

// parseStat reads fields 1, 3–6 and 22. The name in field 2 may contain anything, so the rest
// begins after the last ")".
func parseStat(line []byte) (p Info, state byte, err error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 2 || end < open {
		return Info{}, 0, errors.New("parsing process status: no name")
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) < 20 || len(fields[0]) != 1 {
		return Info{}, 0, errors.New("parsing process status: too few fields")
	}
	for _, f := range []struct {
		to   *int
		text []byte
	}{{&p.PID, line[:open-1]}, {&p.PPID, fields[1]}, {&p.PGID, fields[2]}, {&p.SID, fields[3]}} {
		if *f.to, err = strconv.Atoi(string(f.text)); err != nil {
			return Info{}, 0, fmt.Errorf("parsing process status: %w", err)
		}
	}
	p.Start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	return p, fields[0][0], err
}

// readProc reads a small file of /proc by bare system calls, because every start reads some and
// os.ReadFile costs more than the kernel's part. It returns nil on any error.
func readProc(path string, buf []byte) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil || n <= 0 {
		return nil
	}
	return buf[:n]
}
