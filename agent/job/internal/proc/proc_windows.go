package proc

import "golang.org/x/sys/windows"

const stillActive = 259 // STILL_ACTIVE

// Of identifies the process pid. ErrGone if there is none.
func Of(pid int) (ID, error) {
	id, _, err := look(pid)
	return id, err
}

func look(pid int) (id ID, active bool, err error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return ID{}, false, ErrGone
	}
	defer windows.CloseHandle(h)
	var code uint32
	if err := windows.GetExitCodeProcess(h, &code); err != nil {
		return ID{}, false, err
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return ID{}, false, err
	}
	return ID{pid, uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)}, code == stillActive, nil
}

// Alive reports whether the process of id still runs.
func Alive(id ID) bool {
	now, active, err := look(id.PID)
	return err == nil && active && now == id
}

// BootID is not needed: start times are absolute.
func BootID() string { return "" }

// End ends the process of id. ErrGone if it ended.
func End(id ID) error {
	h, err := windows.OpenProcess(windows.PROCESS_TERMINATE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(id.PID))
	if err != nil {
		return ErrGone
	}
	defer windows.CloseHandle(h)
	if !Alive(id) {
		return ErrGone
	}
	return windows.TerminateProcess(h, 1)
}
