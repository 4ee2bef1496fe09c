package isolation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// SocketFD is where an init finds its end of the socket.
const SocketFD = 3

// maxStart bounds what a Start may be, encoded: argv and environment are bounded by the kernel
// anyway.
const maxStart = 16 << 20

// InitMain is the whole life of an init: it waits for its Start, builds the world, executes the App
// and stays until nothing lives in there. limit is called with the App's PID as soon as it has one.
func InitMain(limit func(pid int, data json.RawMessage)) int {
	// The App's leftovers must not end the first process; and what is caught, not ignored, is not
	// inherited.
	signal.Notify(make(chan os.Signal, 1))
	// The capabilities, the filter and the App belong to one thread.
	runtime.LockOSThread()
	unix.Umask(0o007) // the App's outputs are for the agent, too, by group or ACL
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	_ = os.Chdir("/")
	conn, err := Conn(SocketFD)
	if err != nil {
		return 1
	}
	defer func() { _ = conn.Close() }()
	s, files, err := Receive(conn)
	if err != nil {
		return 1 // the shim ended, or needs no init
	}
	say := func(e Event) {
		line, _ := json.Marshal(e)
		_, _ = conn.Write(append(line, '\n'))
	}
	pid, err := s.execute(conn, files)
	for _, f := range files {
		_ = f.Close()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok && !errors.Is(err, errWorld) {
		say(Event{Errno: int(errno)})
		return 1
	}
	if err != nil {
		say(Event{Error: err.Error()})
		return 1
	}
	go EndWith(conn)
	limit(pid, s.Limits)
	s.Argv, s.Env = nil, nil
	say(Event{Started: true})
	reap(pid, say)
	return 0
}

// errWorld is wrapped by errors of building the world, in contrast to those of executing the App.
var errWorld = errors.New("isolating the App")

// execute builds the world, waits until the App may be executed, and executes it.
func (s *Start) execute(conn *net.UnixConn, files []*os.File) (int, error) {
	if len(files) != 2 {
		return 0, fmt.Errorf("%w: %d outputs came, not 2", errWorld, len(files))
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errWorld, err)
	}
	defer null.Close()
	if err := Enter(&s.Plan); err != nil {
		return 0, fmt.Errorf("%w: %w", errWorld, err)
	}
	var word [len(execute)]byte
	if _, err := io.ReadFull(conn, word[:]); err != nil {
		return 0, fmt.Errorf("%w: the shim has ended: %w", errWorld, err)
	}
	return syscall.ForkExec(s.Argv[0], s.Argv, &syscall.ProcAttr{
		Dir: s.Dir, Env: s.Env, Sys: &syscall.SysProcAttr{Setsid: true},
		Files: []uintptr{null.Fd(), files[0].Fd(), files[1].Fd()},
	})
}

// reap waits until nothing lives but this process, and tells the App's own end when it comes.
func reap(app int, say func(Event)) {
	var ended *Event // not told yet
	told, after := false, 0
	for {
		options := 0
		if ended != nil { // does something live on?
			options = unix.WNOHANG
		}
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD
			if ended != nil {
				say(*ended)
			}
			say(Event{Reaped: after})
			return
		case pid == 0:
			ended.Left = true
			say(*ended)
			ended, told = nil, true
		case pid == app && ws.Signaled():
			ended = &Event{Ended: true, Code: -1, Signal: int(ws.Signal())}
		case pid == app:
			ended = &Event{Ended: true, Code: ws.ExitStatus()}
		case told:
			after++
		}
	}
}

// EndWith ends this process, and the kernel its world, when the other end of conn is gone.
func EndWith(conn *net.UnixConn) {
	var b [1]byte
	_, _ = conn.Read(b[:])
	os.Exit(1)
}

// Conn is the socket that a descriptor is.
func Conn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "shim")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// Receive reads the one Start, and the outputs that come with its first byte.
func Receive(conn *net.UnixConn) (*Start, []*os.File, error) {
	data := make([]byte, 0, 64<<10)
	control := make([]byte, unix.CmsgSpace(2*4))
	var files []*os.File
	defer func() { clear(data) }()
	for {
		if len(data) == cap(data) {
			if len(data) >= maxStart {
				return nil, nil, errors.New("the Start is too large")
			}
			grown := make([]byte, len(data), 2*cap(data))
			copy(grown, data)
			clear(data)
			data = grown
		}
		n, oob, _, _, err := conn.ReadMsgUnix(data[len(data):cap(data)], control)
		if err != nil {
			return nil, nil, err
		}
		if n == 0 {
			return nil, nil, os.ErrClosed
		}
		data = data[:len(data)+n]
		if oob > 0 {
			got, err := Descriptors(control[:oob])
			if err != nil {
				return nil, nil, err
			}
			files = append(files, got...)
		}
		if data[len(data)-1] == '\n' { // JSON has none within
			var s Start
			if err := json.Unmarshal(data, &s); err != nil {
				return nil, nil, errors.New("the Start is not ours") // the decoder's words could quote it
			}
			return &s, files, nil
		}
	}
}

// Descriptors are the files that came with a message.
func Descriptors(control []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "output"))
		}
	}
	return files, nil
}
