package warm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

const (
	// readyTimeout bounds the imports of a template's Python.
	readyTimeout = 2 * time.Minute
	// lastWords bounds the wait for what a Python said before it ended: it is there already.
	lastWords = time.Second
	// endTimeout bounds how long an order's init may take to end when it has let go of everything: it
	// waits for the App, whose parent is a process of the template until that ends.
	endTimeout = 5 * time.Second
)

// template is the init of a template.
type template struct {
	conn   *net.UnixConn // to the template's shim
	python *os.File      // our end of the fork server's socket; orders' inits ask by it
	say    func(isolation.Event)

	mu       sync.Mutex
	pid      int             // of the Python, 0 when it has ended
	exit     unix.WaitStatus // of the Python
	report   Report          // what was told last
	orders   map[int]*order  // by the PID of the init
	apps     map[int]*order  // by the App's PID
	draining bool            // no more orders
	ended    chan struct{}   // closed when the Python and all inits have ended
	serving  sync.WaitGroup  // of orders
}

// TemplateMain is the whole life of the init of a template: it waits for its Start, has the Python
// import, and serves orders until it is told to drain. limit is called with the Python's
// PID as soon as it has one.
func TemplateMain(limit func(pid int, data json.RawMessage)) int {
	signal.Notify(make(chan os.Signal, 1))
	runtime.LockOSThread() // its children may have been started with a parent-death signal
	unix.Umask(0o007)
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	_ = os.Chdir("/")
	conn, err := isolation.Conn(isolation.SocketFD)
	if err != nil {
		return 1
	}
	s, files, err := isolation.Receive(conn)
	if err != nil || len(files) != 2 {
		return 1
	}
	t := &template{conn: conn, orders: map[int]*order{}, apps: map[int]*order{}, ended: make(chan struct{})}
	var mu sync.Mutex
	t.say = func(e isolation.Event) {
		mu.Lock()
		defer mu.Unlock()
		line, _ := json.Marshal(e)
		_, _ = conn.Write(append(line, '\n'))
	}
	python, err := t.start(s, files)
	if err != nil {
		if errno, ok := errors.AsType[syscall.Errno](err); ok && !errors.Is(err, errWorld) {
			t.say(isolation.Event{Errno: int(errno)})
		} else {
			t.say(isolation.Event{Error: err.Error()})
		}
		return 1
	}
	limit(t.pid, s.Limits)
	t.say(isolation.Event{Started: true})
	watched := make(chan struct{})
	go t.reap()
	go func() {
		defer close(watched)
		t.watch(python)
	}()
	go t.serve()
	<-t.ended
	t.serving.Wait()
	_ = python.SetReadDeadline(time.Now().Add(lastWords)) // a process that it left may hold its socket
	<-watched
	e := isolation.Event{Ended: true, Code: t.exit.ExitStatus()}
	if t.exit.Signaled() {
		e.Code, e.Signal = -1, int(t.exit.Signal())
	}
	t.say(e)
	t.say(isolation.Event{Reaped: 0})
	return 0
}

// errWorld is wrapped by errors of making the template, in contrast to those of executing its Python.
var errWorld = errors.New("making the template")

// start executes the Python. It returns the end of the fork server's socket from which the Python's
// first words come.
func (t *template) start(s *isolation.Start, files []*os.File) (*net.UnixConn, error) {
	// The host's /proc does not know the numbers of processes in here.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return nil, fmt.Errorf("%w: mounting a /proc: %w", errWorld, err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: making the fork server's socket: %w", errWorld, err)
	}
	defer unix.Close(pair[1])
	dup, err := unix.FcntlInt(uintptr(pair[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("%w: making the fork server's socket: %w", errWorld, err)
	}
	t.python = os.NewFile(uintptr(dup), "fork server")
	conn, err := isolation.Conn(pair[0])
	if err != nil {
		return nil, fmt.Errorf("%w: making the fork server's socket: %w", errWorld, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	var word [1]byte
	if _, err := t.conn.Read(word[:]); err != nil {
		return nil, fmt.Errorf("%w: the shim has ended: %w", errWorld, err)
	}
	// A thread of its own gives up what the Python must not have: this one goes on needing it.
	entered, numbered, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: nothing else may run on it
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("%w: making its mounts: %w", errWorld, err)
			}
			if err := isolation.EnterTemplate(&s.Plan); err != nil {
				return fmt.Errorf("%w: %w", errWorld, err)
			}
			close(entered)
			<-numbered
			t.pid, err = syscall.ForkExec(s.Argv[0], s.Argv, &syscall.ProcAttr{
				Dir: s.Dir, Env: s.Env, Sys: &syscall.SysProcAttr{Setsid: true},
				Files: []uintptr{null.Fd(), files[0].Fd(), files[1].Fd(), uintptr(pair[1])},
			})
			return err
		}()
	}()
	select {
	case <-entered:
		err = lastPID() // which takes a capability that the other thread has no more
		close(numbered)
		err = errors.Join(err, <-done)
	case err = <-done:
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	for _, f := range files {
		_ = f.Close()
	}
	return conn, nil
}

// lastPID has the next process get one of the highest PIDs (threads of ours take some): OpenSSL and others take a fork of the template
// for the template itself if its number is the same, and would give both the same random numbers. In
// the worlds of orders numbers begin at 1.
func lastPID() error {
	data, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err == nil {
		var most int
		if most, err = strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			err = os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(most-100)), 0)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: choosing the number of its process: %w", errWorld, err)
	}
	return nil
}

// watch tells what becomes of the Python until it serves.
func (t *template) watch(conn *net.UnixConn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(readyTimeout))
	word := make([]byte, 512)
	n, err := conn.Read(word)
	text := string(word[:max(n, 0)])
	reason, unfit := strings.CutPrefix(text, "unfit ")
	switch {
	case unfit:
	case err == nil && text == "ready":
		t.mu.Lock()
		t.report.Ready = true
		t.measure()
		t.mu.Unlock()
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason = "its libraries take longer than " + readyTimeout.String() + " to be imported"
	default:
		reason = "its Python ended while it imported libraries"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Unfit = reason
	t.tell()
	t.drain()
}

// measure asks what the Python costs and tells it.
func (t *template) measure() {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(t.pid), "smaps_rollup"))
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
				t.report.KB, _ = strconv.ParseInt(f[1], 10, 64)
			}
		}
	}
	t.tell()
}

func (t *template) tell() {
	news, _ := json.Marshal(t.report)
	t.say(isolation.Event{News: news})
}

// serve obeys the template's shim: connections of orders, and drain.
func (t *template) serve() {
	control := make([]byte, unix.CmsgSpace(4))
	for {
		var word [1]byte
		n, oob, _, _, err := t.conn.ReadMsgUnix(word[:], control)
		if err != nil || n == 0 {
			os.Exit(1) // and the kernel ends what is in here
		}
		files, err := isolation.Descriptors(control[:oob])
		if err != nil {
			continue
		}
		t.mu.Lock()
		switch {
		case word[0] == wordOrder && len(files) == 1:
			t.take(files[0])
		case word[0] == wordDrain:
			t.drain()
		}
		t.mu.Unlock()
		for _, f := range files {
			_ = f.Close()
		}
	}
}

// take serves the order whose shim's connection f is. A shim that finds that closed starts the App cold. t is locked.
func (t *template) take(f *os.File) {
	if t.draining || !t.report.Ready || t.pid == 0 {
		return
	}
	if c, err := net.FileConn(f); err == nil {
		t.serving.Go(func() { t.serveOrder(c.(*net.UnixConn)) })
	}
}

// reap waits for everything that ends in here: the Python, its go-betweens, inits of orders, and
// their Apps, whose end their init is told.
func (t *template) reap() {
	for {
		// Held until it is known who ended: a process that is started is put down before.
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil { // ECHILD
			break
		}
		t.mu.Lock()
		for {
			var ws unix.WaitStatus
			pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
			if err != nil || pid == 0 {
				break
			}
			t.note(pid, ws)
		}
		over := t.over()
		t.mu.Unlock()
		if over {
			break
		}
	}
	close(t.ended)
}

// note notes the end of one process. t is locked.
func (t *template) note(pid int, ws unix.WaitStatus) {
	if o := t.apps[pid]; o != nil {
		delete(t.apps, pid)
		o.Ended(ws)
	}
	if o := t.orders[pid]; o != nil {
		delete(t.orders, pid)
		close(o.gone)
	}
	if pid == t.pid {
		t.pid, t.exit = 0, ws
		if t.report.Ready && t.report.Unfit == "" && !t.draining {
			t.report.Unfit = "its Python has ended"
			t.tell()
		}
		t.drain()
	}
}

// drain takes no more orders: when the last one has ended, the template ends. t is locked.
func (t *template) drain() {
	t.draining = true
	if len(t.orders) == 0 { // else when the last of them is reaped
		t.stopPython()
	}
}

// stopPython ends the Python: nobody needs it. t is locked.
func (t *template) stopPython() {
	if t.pid != 0 {
		_ = unix.Kill(t.pid, unix.SIGKILL)
	}
}

// over reports whether nothing is left to wait for. t is locked.
func (t *template) over() bool {
	if t.draining && len(t.orders) == 0 {
		t.stopPython()
	}
	return t.draining && t.pid == 0 && len(t.orders) == 0
}
