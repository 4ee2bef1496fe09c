package warm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

// forkTimeout bounds how long an order's world and the fork in it may take, and each answer of the fork.
const forkTimeout = 10 * time.Second

// order is the init of an order's world, as the template's init sees it.
type order struct {
	*isolation.World
	pidfd *os.File
	gone  chan struct{} // closed when it is reaped
}

// serveOrder is the life of an order in a template: it makes the init of the order's world, hands on to the
// shim what that says, and kills it when the shim is gone. The connection is closed when nothing lives in there.
func (t *template) serveOrder(shim *net.UnixConn) {
	defer func() { _ = shim.Close() }()
	o, err := t.begin(shim)
	if err != nil {
		say(shim, isolation.Event{Error: err.Error()})
		return
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		var b [1]byte
		_, _ = shim.Read(b[:])
		o.kill()
	}()
	defer func() {
		_ = shim.Close()
		<-watched
		_ = o.pidfd.Close()
		o.Close()
	}()
	if err := t.forked(o, shim); err != nil {
		say(shim, isolation.Event{Error: err.Error()})
		o.kill()
	}
	o.Relay(shim)
	select {
	case <-o.gone:
	case <-time.After(endTimeout): // a go-between of the template's holds up its App's end, and with it the init's
		_ = unix.Kill(-1, unix.SIGKILL)
		<-o.gone
	}
}

// begin receives the order and makes its init.
func (t *template) begin(shim *net.UnixConn) (*order, error) {
	say(shim, isolation.Event{Hello: true})
	_ = shim.SetReadDeadline(time.Now().Add(joinTimeout))
	s, files, err := isolation.Receive(shim)
	_ = shim.SetReadDeadline(time.Time{})
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	if err == nil && len(files) != 4 {
		err = fmt.Errorf("%d files came, not 4", len(files))
	}
	if err != nil {
		return nil, fmt.Errorf("receiving the order: %w", err)
	}
	o := &order{gone: make(chan struct{})}
	f := isolation.Fork{Server: t.python, Stdout: files[0], Stderr: files[1], Fork: files[2], Shim: files[3]}
	o.World, err = isolation.BuildForked(&s.Plan, f, func(_ *syscall.SysProcAttr, fork func() (int, error)) (int, error) {
		t.mu.Lock()
		defer t.mu.Unlock() // the end of the init is not noted before it is
		if t.draining {
			return 0, errors.New("the template takes no more orders")
		}
		pid, err := fork()
		if err != nil {
			return 0, err
		}
		t.orders[pid] = o
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			_ = unix.Kill(pid, unix.SIGKILL)
			return 0, err
		}
		o.pidfd = os.NewFile(uintptr(fd), "init")
		return pid, nil
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.report.Problem = err.Error()
		t.tell()
		return nil, err
	}
	t.report.Served++
	return o, nil
}

// forked waits for the App's process and tells the shim who that and the init are.
func (t *template) forked(o *order, shim *net.UnixConn) error {
	e, files, err := o.Next(forkTimeout)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the template's fork takes longer than %v", forkTimeout)
	case errors.Is(err, io.EOF):
		return errors.New("the template's fork has ended, or is not in its order's world")
	case err != nil:
		return err
	case !e.Forked || len(files) != 1 || !t.register(o, files[0]):
		return errors.New("the template's fork has ended")
	}
	say(shim, isolation.Event{Forked: true}, o.pidfd, files[0])
	return nil
}

// register notes whose App a process is: the template's init is its parent, and alone learns of its end.
func (t *template) register(o *order, app *os.File) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	pid := pidOf(app)
	if pid <= 1 || pid == t.pid || t.apps[pid] != nil || t.orders[pid] != nil {
		return false
	}
	t.apps[pid] = o
	return true
}

// kill ends the init, and the kernel all in its world.
func (o *order) kill() { _ = unix.PidfdSendSignal(int(o.pidfd.Fd()), unix.SIGKILL, nil, 0) }

// say tells an order's shim, with files.
func say(shim *net.UnixConn, e isolation.Event, files ...*os.File) {
	line, _ := json.Marshal(e)
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	_, _, _ = shim.WriteMsgUnix(append(line, '\n'), unix.UnixRights(fds...), nil)
}

// pidOf is the number, in here, of the process of a pidfd; 0 if it has ended.
func pidOf(pidfd *os.File) int {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(pidfd.Fd())))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid, _ := strconv.Atoi(strings.TrimSpace(text))
			return max(pid, 0)
		}
	}
	return 0
}
