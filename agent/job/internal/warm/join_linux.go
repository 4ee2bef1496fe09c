package warm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
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
	talk *os.File // our end of the socket by which the App's process is told what to run
}

// Join gives an order to a template, to which conn leads, and which was asked to take it: a world, and a fork in it,
// whose outputs go to stdout and stderr. conn is closed with the App, or after an error.
func Join(conn *net.UnixConn, p *isolation.Plan, stdout, stderr *os.File) (*App, error) {
	a := &App{World: isolation.Joined(isolation.Full, conn)}
	if err := a.join(p, stdout, stderr); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) join(p *isolation.Plan, stdout, stderr *os.File) error {
	if e, _, err := a.Next(joinTimeout); err != nil || !e.Hello {
		return fmt.Errorf("waiting for the template's init: %w", cmp.Or(err, errStranger))
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a socket for the App: %w", err)
	}
	fork := os.NewFile(uintptr(pair[1]), "fork")
	defer func() { _ = fork.Close() }()
	a.talk = os.NewFile(uintptr(pair[0]), "shim") // it blocks until the init, which has no poller, has heard by it
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return fmt.Errorf("making a socket for the App: %w", err)
	}
	return a.Prepare(&isolation.Start{Plan: *p}, stdout, stderr, fork, a.talk)
}

var errStranger = errors.New("its answer is not ours")

// Forked waits until the App's process is there, and waits for its arguments. It returns the
// process, which is no descendant of the init's.
func (a *App) Forked() (pid int, err error) {
	e, files, err := a.Next(2 * forkTimeout)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	if err != nil {
		word := make([]byte, 256)
		if n, _, _ := unix.Recvfrom(int(a.talk.Fd()), word, unix.MSG_DONTWAIT); n > 0 {
			err = fmt.Errorf("%w: %.200q", err, word[:n])
		}
		return 0, fmt.Errorf("waiting for the template to fork: %w", err)
	}
	if !e.Forked || len(files) != 2 {
		return 0, fmt.Errorf("waiting for the template to fork: %w", errStranger)
	}
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 3) // for as long as this shim lives
	if err != nil {
		return 0, err
	}
	a.Pidfd, a.PID = fd, pidOf(files[0])
	if pid = pidOf(files[1]); pid == 0 || a.PID == 0 {
		return 0, errors.New("the template's fork has ended")
	}
	return pid, nil
}

// Run has the App's process run s. [isolation.ErrLost] means that it may have done so; after any other error it has
// not, and will not.
func (a *App) Run(s *isolation.Start) error {
	c, err := net.FileConn(a.talk)
	if err != nil {
		return err
	}
	talk := c.(*net.UnixConn)
	defer func() { _ = talk.Close() }()
	_ = a.talk.Close()
	_ = talk.SetDeadline(time.Now().Add(forkTimeout))
	if err := tell(talk, s); err != nil {
		return unsure("telling the template's fork what to start", err)
	}
	word := make([]byte, 256)
	n, err := talk.Read(word)
	switch {
	case err != nil:
		return unsure("waiting for the template's fork to start", err)
	case word[0] != forkGo:
		return fmt.Errorf("the template's fork did not start: %.200q", word[1:n])
	}
	return nil
}

// forkGo is what a fork says when nothing but the App is left to do.
const forkGo = 'g'

// tell gives the fork its arguments and environment. It does not begin before it has them to the end.
func tell(talk *net.UnixConn, s *isolation.Start) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d\x00%s\x00", len(s.Argv), s.Dir)
	for _, list := range [][]string{s.Argv, s.Env} {
		for _, text := range list {
			b.WriteString(text)
			b.WriteByte(0)
		}
	}
	b.WriteString("end")
	defer func() { clear(b.Bytes()[:b.Cap()]) }()
	if _, err := talk.Write(b.Bytes()); err != nil {
		return err
	}
	_ = talk.CloseWrite()
	return nil
}

// unsure is the error of the talk with a fork. One that has let go of its socket has ended, or will, without a start.
func unsure(doing string, err error) error {
	for _, ended := range []error{io.EOF, unix.EPIPE, unix.ECONNRESET} {
		if errors.Is(err, ended) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return fmt.Errorf("%w: %s: %w", isolation.ErrLost, doing, err)
}

// End ends what the template has made, and returns when nothing of it lives; an error means that
// this took too long.
func (a *App) End() (err error) {
	defer a.Close()
	if a.Pidfd < 0 { // the template's init knows its own, if there is one
		return a.Leave(joinTimeout)
	}
	defer unix.Close(a.Pidfd)
	_ = unix.PidfdSendSignal(a.Pidfd, unix.SIGKILL, nil, 0)
	return gone(a.Pidfd, joinTimeout)
}

// Close lets go of what the template makes. A nil App is closed.
func (a *App) Close() {
	if a != nil {
		a.World.Close()
		_ = a.talk.Close()
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

// Order gives a template the connection of an order's shim.
func Order(w *isolation.World, conn *os.File) error { return w.Send(wordOrder, conn) }

// Drain has a template end with its last order.
func Drain(w *isolation.World) error { return w.Send(wordDrain, nil) }

// Gone waits for the end of a process.
func Gone(pidfd int) {
	for gone(pidfd, time.Hour) != nil {
	}
}
