package proc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// States of sys/proc.h.
const (
	stopped = 4 // SSTOP
	zombie  = 5 // SZOMB
)

// Of identifies the process pid, which may be a zombie. ErrGone if there is none.
func Of(pid int) (ID, error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid {
		return ID{}, ErrGone
	}
	return info(k).ID, nil
}

// Alive reports whether the process of id still runs.
func Alive(id ID) bool {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", id.PID)
	return err == nil && k.Proc.P_stat != zombie && info(k).ID == id
}

// BootID changes whenever the host starts; "" if it cannot be known.
func BootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}

// List is every living process.
func List() ([]Info, error) {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var list []Info
	for i := range all {
		if all[i].Proc.P_stat != zombie {
			list = append(list, info(&all[i]))
		}
	}
	return list, nil
}

func info(k *unix.KinfoProc) Info {
	pid := int(k.Proc.P_pid)
	sid, err := unix.Getsid(pid)
	if err != nil {
		sid = 0
	}
	start := uint64(k.Proc.P_starttime.Sec)*1e6 + uint64(k.Proc.P_starttime.Usec)
	return Info{ID: ID{pid, start}, PPID: int(k.Eproc.Ppid), PGID: int(k.Eproc.Pgid), SID: sid, Stopped: k.Proc.P_stat == stopped}
}

// Signal sends sig to the process of id. ErrGone if it ended.
func Signal(id ID, sig unix.Signal) error {
	if !Alive(id) {
		return ErrGone
	}
	err := unix.Kill(id.PID, sig)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// Sockets adds nothing on this system: it has no list to compare with.
func Sockets(int, map[uint64]bool) {}

// Mentions is false: macOS does not show the environment of processes.
func Mentions(int, string) bool { return false }
