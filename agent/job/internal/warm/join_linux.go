package warm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

// joinTimeout bounds how long a template may take to give an order a world.
const joinTimeout = 5 * time.Second

// App is an App that a template makes, as its order's shim sees it.
type App struct {
	*isolation.World
	conn  *net.UnixConn
	lines *bufio.Reader
	files []*os.File // that came with events
	app   *os.File   // pidfd of the App
}

// Join makes a world of the connection to a template, which has been asked for an order's.
func Join(conn *net.UnixConn) (*App, error) {
	a := &App{conn: conn}
	a.lines = bufio.NewReader(reader{a})
	_ = conn.SetDeadline(time.Now().Add(joinTimeout))
	e, err := a.next()
	if err == nil && (!e.Hello || len(a.files) != 1) {
		err = errors.New("it did not say who it is")
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for the template's init: %w", err)
	}
	init := a.take()
	pid := pidOf(init)
	if pid == 0 {
		return nil, errors.New("the template's init has ended")
	}
	fd, err := unix.FcntlInt(init.Fd(), unix.F_DUPFD_CLOEXEC, 3) // for as long as this shim lives
	if err != nil {
		return nil, err
	}
	_ = init.Close()
	a.World = isolation.Joined(isolation.Full, pid, fd, conn, a.lines)
	return a, nil
}

// Forked waits until the App's process is there, and waits for its arguments. It returns the
// process, which is no descendant of the init's.
func (a *App) Forked() (pid int, err error) {
	_ = a.conn.SetDeadline(time.Now().Add(2 * forkTimeout))
	e, err := a.next()
	switch {
	case err != nil:
		return 0, fmt.Errorf("waiting for the template to fork: %w", err)
	case e.Error != "":
		return 0, errors.New(e.Error)
	case !e.Forked || len(a.files) != 1:
		return 0, errors.New("the template's fork did not say who it is")
	}
	a.app = a.take()
	if pid = pidOf(a.app); pid == 0 {
		return 0, errors.New("the template's fork has ended")
	}
	return pid, nil
}

// End ends what the template has made, and returns when nothing of it lives; an error means that
// this took too long.
func (a *App) End() error {
	a.Close()
	_ = unix.PidfdSendSignal(a.Pidfd, unix.SIGKILL, nil, 0)
	return gone(a.Pidfd, joinTimeout)
}

// Close lets go of what the template makes. A nil App is closed.
func (a *App) Close() {
	if a != nil {
		a.World.Close()
	}
}

// gone waits for the end of a process.
func gone(pidfd int, timeout time.Duration) error {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for until := time.Now().Add(timeout); ; {
		n, err := unix.Poll(fds, int(time.Until(until).Milliseconds()))
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		case n > 0:
			return nil
		case time.Now().After(until):
			return errors.New("it does not end")
		}
	}
}

func (a *App) take() *os.File {
	f := a.files[0]
	a.files = nil
	return f
}

func (a *App) next() (isolation.Event, error) {
	var e isolation.Event
	line, err := a.lines.ReadBytes('\n')
	if err != nil {
		return e, err
	}
	if json.Unmarshal(line, &e) != nil {
		return e, errors.New("its answer is not ours")
	}
	return e, nil
}

// reader reads the connection and keeps the files that come with what it reads.
type reader struct{ a *App }

func (r reader) Read(b []byte) (int, error) {
	control := make([]byte, unix.CmsgSpace(4))
	n, oob, _, _, err := r.a.conn.ReadMsgUnix(b, control)
	if err == nil && oob > 0 {
		var files []*os.File
		if files, err = isolation.Descriptors(control[:oob]); err == nil {
			r.a.files = append(r.a.files, files...)
		}
	}
	if err == nil && n == 0 {
		err = net.ErrClosed
	}
	return n, err
}

// Order gives a template the connection of an order's shim.
func Order(w *isolation.World, conn *os.File) error { return w.Send(wordOrder, conn) }

// Drain has a template end with its last order.
func Drain(w *isolation.World) error { return w.Send(wordDrain, nil) }

// Gone waits for the end of a process.
func Gone(pidfd int) {
	for gone(pidfd, time.Hour) != nil {
	}
}
