package shim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// diskFull are the errors of a write for which there is no space.
var diskFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}

// limitsMemory: a Job Object does.
const limitsMemory = true

// tree is a Job Object. The shim alone holds its handle, so when the shim dies the kernel kills all
// that is in it.
type tree struct {
	id       proc.ID
	executed time.Time // when the App was; zero: a moment ago
	events   chan event
	job      windows.Handle
	process  windows.Handle
	ended    atomic.Int64
}

// spawn creates the App suspended, puts it into the Job Object and lets it run: nothing that it
// starts can be outside.
func spawn(l *spec.Launch, _ *cgroup.Group, stdout, stderr *os.File) (*tree, error) {
	if info, err := os.Stat(l.WorkDir); err != nil || !info.IsDir() {
		return nil, &spec.StartError{Code: spec.CodeWorkDir, Err: fmt.Errorf("entering the App's folder %q: %w", l.WorkDir, errors.Join(err, os.ErrNotExist))}
	}
	job, err := newJob(l.Limits)
	if err != nil {
		return nil, fmt.Errorf("making a Job Object: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("opening the App's stdin: %w", err)
	}
	defer null.Close()
	pid, handle, err := syscall.StartProcess(l.Argv[0], l.Argv, &syscall.ProcAttr{
		Dir: l.WorkDir, Env: l.Env,
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		Sys:   &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED | windows.CREATE_NEW_PROCESS_GROUP},
	})
	if err != nil {
		return nil, explain(l, err)
	}
	t := &tree{job: job, process: windows.Handle(handle), events: make(chan event, 2)}
	err = windows.AssignProcessToJobObject(job, t.process)
	if err == nil {
		err = resume(uint32(pid))
	}
	if err != nil {
		_ = windows.TerminateProcess(t.process, 1)
		return nil, fmt.Errorf("putting the App into its Job Object: %w", err)
	}
	if t.id, err = proc.Of(pid); err != nil {
		t.id = proc.ID{PID: pid}
	}
	return t, nil
}

func newJob(l spec.Limits) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | windows.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
	if l.Tasks > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_ACTIVE_PROCESS
		info.BasicLimitInformation.ActiveProcessLimit = uint32(min(l.Tasks, 1<<32-1))
	}
	if l.Memory > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_JOB_MEMORY
		info.JobMemoryLimit = uintptr(l.Memory)
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return job, err
}

// resume lets the one thread of a suspended process run.
func resume(pid uint32) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(thread)
		_, err = windows.ResumeThread(thread)
		return err
	}
	return fmt.Errorf("finding its thread: %w", err)
}

func explain(l *spec.Launch, err error) error {
	code := spec.CodeStart
	switch {
	case errors.Is(err, windows.ERROR_FILE_NOT_FOUND), errors.Is(err, windows.ERROR_PATH_NOT_FOUND):
		code = spec.CodeNotFound
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		code = spec.CodePermission
	case errors.Is(err, windows.ERROR_BAD_EXE_FORMAT), errors.Is(err, windows.ERROR_EXE_MACHINE_TYPE_MISMATCH):
		code = spec.CodeFormat
	case errors.Is(err, windows.ERROR_FILENAME_EXCED_RANGE):
		code = spec.CodeTooLarge
	}
	return &spec.StartError{Code: code, Err: fmt.Errorf("executing %q: %w", l.Argv[0], err)}
}

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
type accounting struct {
	userTime, kernelTime, periodUserTime, periodKernelTime     int64
	pageFaults, totalProcesses, activeProcesses, terminatedAll uint32
}

// watch waits for the App and then for the rest of its Job Object.
func (t *tree) watch() {
	_, _ = windows.WaitForSingleObject(t.process, windows.INFINITE)
	var code uint32
	_ = windows.GetExitCodeProcess(t.process, &code)
	e := event{ended: true, code: int(code)}
	for reported := false; ; time.Sleep(killEvery) {
		active := t.active()
		if active == 0 {
			e.gone = true
			t.events <- e
			return
		}
		if !reported {
			t.ended.Store(int64(active))
			t.events <- e
			reported = true
		}
	}
}

func (t *tree) active() int {
	const basicAccounting = 1
	var a accounting
	if err := windows.QueryInformationJobObject(t.job, basicAccounting, uintptr(unsafe.Pointer(&a)), uint32(unsafe.Sizeof(a)), nil); err != nil {
		return 0
	}
	return int(a.activeProcesses)
}

// terminate is Ctrl-Break to the App's process group, which shares the shim's invisible console.
func (t *tree) terminate() {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(t.id.PID))
}

func (t *tree) kill() (alive, refused int) {
	_ = windows.TerminateJobObject(t.job, 1)
	return t.active(), 0
}

// killed is the number of processes that lived when the App had ended.
// close does nothing: the shim ends with its job.
func (t *tree) close() {}

// sockets are not known here.
func (t *tree) sockets() map[uint64]bool { return nil }

func (t *tree) killed() int { return int(t.ended.Load()) }

func pipe() (r, w *os.File, err error) { return os.Pipe() }

func harden() chan os.Signal {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt) // so that a Ctrl-Break for the App does not end us
	return signals
}

func mustEnd(os.Signal) bool { return false }

func detach(stdin io.Reader, stdout, _ io.Writer) {
	for _, f := range []any{stdin, stdout} {
		if file, ok := f.(*os.File); ok {
			_ = file.Close()
		}
	}
}

// reap ends a shim that still lives; its Job Object goes with it.
func reap(dir string, known *spec.Status) (int, error) {
	s := toReap(dir, known)
	removeFiles(dir, s.Files)
	if err := proc.End(proc.ID{PID: s.ShimPID, Start: s.ShimStart}); err != nil && !errors.Is(err, proc.ErrGone) {
		return 0, fmt.Errorf("ending the shim: %w", err)
	}
	return 0, nil
}

func hide() {}

func traced() bool { return false }
