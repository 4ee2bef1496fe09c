package warm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

// forkTimeout bounds each answer of a fork server and of its fork.
const forkTimeout = 10 * time.Second

// order is the init of an order's world in a template's.
type order struct {
	template *net.UnixConn // its init
	lines    *bufio.Reader // of template
	shim     *net.UnixConn // of the order
	server   *os.File      // the fork server's socket
}

// OrderMain is the whole life of an order's init: it waits for an order, builds its world, has the
// template fork the App, and stays until nothing lives in there. limit is called with
// the App's PID as soon as it has one, and with the limits of the [isolation.Start].
func OrderMain(limit func(pid int, data json.RawMessage)) int {
	caught := make(chan os.Signal, 16)
	signal.Notify(caught)
	runtime.LockOSThread()
	unix.Umask(0o007)
	_ = os.Chdir("/")
	o := &order{}
	var err error
	if o.template, err = isolation.Conn(isolation.SocketFD); err != nil {
		return 1
	}
	o.lines = bufio.NewReader(o.template)
	if err := o.begin(); err != nil {
		return 1 // the template drains, or has ended
	}
	s, files, err := isolation.Receive(o.shim)
	if err != nil {
		return 1
	}
	if err := o.start(s, files, limit); err != nil {
		o.say(isolation.Event{Error: err.Error()}, -1)
		return 1
	}
	go isolation.EndWith(o.shim)
	o.reap(caught)
	return 0
}

// begin receives the connection of an order's shim, and introduces this process to it.
func (o *order) begin() error {
	var word [1]byte
	control := make([]byte, unix.CmsgSpace(2*4))
	n, oob, _, _, err := o.template.ReadMsgUnix(word[:], control)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return err
	}
	files, err := isolation.Descriptors(control[:oob])
	if err != nil || len(files) != 2 {
		return errors.Join(err, fmt.Errorf("%d files came, not 2", len(files)))
	}
	o.server = files[1]
	c, err := net.FileConn(files[0])
	if err != nil {
		return err
	}
	_ = files[0].Close()
	o.shim = c.(*net.UnixConn)
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return err
	}
	defer unix.Close(self)
	o.say(isolation.Event{Hello: true}, self)
	return nil
}

// say tells the order's shim, with a descriptor unless that is -1.
func (o *order) say(e isolation.Event, fd int) {
	line, _ := json.Marshal(e)
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_, _, _ = o.shim.WriteMsgUnix(append(line, '\n'), rights, nil)
}

// start has the App forked and, when the shim says so, told what it is to do. After an error it was
// not started.
func (o *order) start(s *isolation.Start, files []*os.File, limit func(int, json.RawMessage)) error {
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
		_ = o.server.Close()
		s.Argv, s.Env = nil, nil
	}()
	talk, err := o.fork(s, files)
	if err != nil {
		return err
	}
	defer func() { _ = talk.Close() }()
	pid, err := ready(talk)
	if err != nil {
		return err
	}
	app, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("finding the template's fork: %w", err)
	}
	defer unix.Close(app)
	if err := o.register(app); err != nil {
		return err
	}
	limit(pid, s.Limits)
	o.say(isolation.Event{Forked: true}, app)
	var word [1]byte
	if _, err := io.ReadFull(o.shim, word[:]); err != nil {
		return fmt.Errorf("the shim has ended: %w", err)
	}
	if err := tell(talk, s); err != nil {
		return err
	}
	o.say(isolation.Event{Started: true}, -1)
	return nil
}

// fork builds the world and has the fork server make the App's process in it. It returns the socket
// by which only that process is told what it is to do.
func (o *order) fork(s *isolation.Start, files []*os.File) (*net.UnixConn, error) {
	if len(files) != 2 {
		return nil, fmt.Errorf("%d outputs came, not 2", len(files))
	}
	var fds []int
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}()
	for _, path := range []string{"/proc/self/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/ipc", "/proc/self/ns/pid", os.DevNull} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("opening %q for the template: %w", path, err)
		}
		fds = append(fds, fd)
	}
	rules, flags, err := isolation.EnterKeeping(&s.Plan)
	if rules >= 0 {
		defer unix.Close(rules)
	}
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(pair[1])
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		_ = unix.Close(pair[0])
		return nil, err
	}
	talk, err := isolation.Conn(pair[0])
	if err != nil {
		return nil, err
	}
	all := append(append([]int{}, fds...), int(files[0].Fd()), int(files[1].Fd()), pair[1])
	if rules >= 0 {
		all = append(all, rules)
	}
	if err := unix.Sendmsg(int(o.server.Fd()), strconv.AppendUint([]byte("f"), uint64(flags), 10), unix.UnixRights(all...), nil, unix.MSG_NOSIGNAL); err != nil {
		_ = talk.Close()
		return nil, fmt.Errorf("asking the template to fork: %w", err)
	}
	return talk, nil
}

// ready waits for the fork's first word and returns its number, which is the kernel's word.
func ready(talk *net.UnixConn) (pid int, err error) {
	_ = talk.SetDeadline(time.Now().Add(forkTimeout))
	word, control := make([]byte, 256), make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, oob, _, _, err := talk.ReadMsgUnix(word, control)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return 0, fmt.Errorf("waiting for the template's fork: %w", err)
	}
	if word[0] != 'r' {
		return 0, refusal(word[:n])
	}
	messages, err := unix.ParseSocketControlMessage(control[:oob])
	if err != nil || len(messages) != 1 {
		return 0, errors.New("the template's fork did not say who it is")
	}
	cred, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil || cred.Pid < 2 { // 0: it is not in this world
		return 0, errors.New("the template's fork is not in its order's world")
	}
	return int(cred.Pid), nil
}

// tell gives the fork its arguments and environment, and waits until it is about to run the App.
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
	_ = talk.SetDeadline(time.Now().Add(forkTimeout))
	if _, err := talk.Write(b.Bytes()); err != nil {
		return fmt.Errorf("telling the template's fork what to start: %w", err)
	}
	_ = talk.CloseWrite()
	word := make([]byte, 256)
	n, err := talk.Read(word)
	switch {
	case err != nil:
		return fmt.Errorf("waiting for the template's fork to start: %w", err)
	case word[0] != 'g':
		return refusal(word[:n])
	}
	return nil
}

func refusal(word []byte) error {
	return fmt.Errorf("the template's fork did not start: %.200q", word[1:])
}

// register makes the template's init tell of the App's end: it is its parent.
func (o *order) register(app int) error {
	_ = o.template.SetDeadline(time.Now().Add(forkTimeout))
	if _, _, err := o.template.WriteMsgUnix([]byte{wordApp}, unix.UnixRights(app), nil); err != nil {
		return fmt.Errorf("telling the template's init of its fork: %w", err)
	}
	answer, err := o.lines.ReadByte()
	if err == nil && answer != wordYes {
		err = errors.New("the fork is not its own")
	}
	if err != nil {
		return fmt.Errorf("telling the template's init of its fork: %w", err)
	}
	_ = o.template.SetDeadline(time.Time{})
	return nil
}

// reap waits until nothing lives but this process, and tells the App's own end when it comes.
// caught has a signal for each process that becomes ours and ends.
func (o *order) reap(caught <-chan os.Signal) {
	news := make(chan ended)
	go func() {
		line, err := o.lines.ReadBytes('\n')
		var e ended
		if err != nil || json.Unmarshal(line, &e) != nil {
			os.Exit(1) // the template's init has ended, and all in here with it
		}
		news <- e
	}()
	var e ended
	for told := false; !told; {
		select {
		case e = <-news:
			told = true
		case <-caught:
			for pid, err := 1, error(nil); pid > 0 && err == nil; {
				pid, err = unix.Wait4(-1, nil, unix.WNOHANG, nil)
			}
		}
	}
	event := isolation.Event{Ended: true, Code: e.Code, Signal: e.Signal}
	if e.Signal != 0 {
		event.Code = -1
	}
	after, told := 0, false
	for {
		options := 0
		if !told {
			options = unix.WNOHANG
		}
		pid, err := unix.Wait4(-1, nil, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD
			if !told {
				o.say(event, -1)
			}
			o.say(isolation.Event{Reaped: after}, -1)
			return
		case pid == 0:
			event.Left, told = true, true
			o.say(event, -1)
		case told:
			after++
		}
	}
}
