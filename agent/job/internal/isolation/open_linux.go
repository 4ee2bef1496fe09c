package isolation

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// World is an init that waits for its App, or runs it.
type World struct {
	Level Level
	PID   int // of the init, as the shim sees it
	// Pidfd is the init's where that is no child of the shim's, else -1.
	Pidfd int
	// Executed is when the App was, by the clock of this host, if that is known.
	Executed time.Time
	// News is called with what a template says of itself; nil = nobody asks.
	News func(json.RawMessage)

	conn  *net.UnixConn
	lines *bufio.Reader // of conn
	files []*os.File    // that came by conn
	steps *steps        // of what [Build] and [BuildForked] make
}

// Joined is the world to whose init, or to who speaks for that, conn leads.
func Joined(level Level, conn *net.UnixConn) *World {
	w := &World{Level: level, Pidfd: -1, conn: conn}
	w.lines = bufio.NewReaderSize(receiver{w}, 256)
	return w
}

// receiver reads what an init says, and keeps the files that come with it.
type receiver struct{ w *World }

func (r receiver) Read(b []byte) (int, error) {
	control := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, oob, _, _, err := r.w.conn.ReadMsgUnix(b, control)
	if err == nil && oob > 0 {
		var files []*os.File
		files, err = Descriptors(control[:oob])
		r.w.files = append(r.w.files, files...)
	}
	if n == 0 || errors.Is(err, unix.ECONNRESET) { // closed, perhaps with something unread
		return 0, io.EOF
	}
	return max(n, 0), err
}

// Open starts an init that is a program of its own (package warm), in namespaces of its own. args
// start this program, once more, so that it is one. start is as with [Build].
func Open(level Level, exe string, args []string, start starter) (*World, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket for the init: %w", err)
	}
	defer unix.Close(pair[1])
	conn, err := Conn(pair[0])
	if err != nil {
		return nil, fmt.Errorf("making a socket for the init: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	defer null.Close()
	// The maps of ids in /proc are ours to write only while we are "dumpable".
	was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err == nil && was != 1 {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		defer func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }()
	}
	attr := Attr(level)
	pid, err := start(attr, func() (int, error) {
		return syscall.ForkExec(exe, args, &syscall.ProcAttr{
			Dir: "/", Env: []string{}, Sys: attr,
			Files: []uintptr{null.Fd(), null.Fd(), null.Fd(), uintptr(pair[1])},
		})
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("starting the init of an App's world: %w", err)
	}
	w := Joined(level, conn)
	w.PID = pid
	return w, nil
}

// Prepare tells an init that is a program of its own what to build its world for, and gives it files: the
// outputs, and for a fork its socket ([Fork]). It does not wait for that.
func (w *World) Prepare(s *Start, files ...*os.File) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	defer clear(line)
	_ = w.conn.SetWriteDeadline(time.Now().Add(startTimeout))
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	n, _, err := w.conn.WriteMsgUnix(line, unix.UnixRights(fds...), nil)
	if err == nil && n < len(line) {
		_, err = w.conn.Write(line[n:])
	}
	if err != nil {
		return fmt.Errorf("telling the init what to start: %w", err)
	}
	return nil
}

// ErrLost means that an init ended without a word: the App may have run for a moment.
var ErrLost = errors.New("waiting for the init")

// Execute executes the App in the world that was prepared. A [syscall.Errno] is the error of
// executing the App itself. After any error nothing runs in there, and nothing will.
func (w *World) Execute() error {
	_ = w.conn.SetDeadline(time.Now().Add(startTimeout))
	_, _ = w.conn.Write([]byte(execute)) // an init that has ended left its reason to be read
	e, err := w.next()
	_ = w.conn.SetDeadline(time.Time{})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrLost, err)
	case e.Started:
		if e.At > 0 {
			w.Executed = time.Unix(0, e.At)
		}
		w.forget()
		return nil
	case e.Failed == 0 && e.Errno != 0:
		return syscall.Errno(e.Errno)
	}
	return cmp.Or(w.failure(e), errors.New("its answer is not ours"))
}

// failure is why there is no world; nil if the event says nothing of that.
func (w *World) failure(e Event) error {
	switch {
	case e.Failed != 0 && w.steps != nil:
		return w.steps.failed(e.Failed-1, syscall.Errno(e.Errno))
	case e.Failed != 0 || e.Error != "":
		return errors.New(cmp.Or(e.Error, "building the world"))
	}
	return nil
}

// Next waits so long for an event, and for the files that come with it. One that says why there is no world
// is an error.
func (w *World) Next(timeout time.Duration) (Event, []*os.File, error) {
	_ = w.conn.SetDeadline(time.Now().Add(timeout))
	e, err := w.next()
	_ = w.conn.SetDeadline(time.Time{})
	files := w.files
	w.files = nil
	if err == nil {
		err = w.failure(e)
	}
	return e, files, err
}

// Ended tells the init of [BuildForked] how its App ended.
func (w *World) Ended(status unix.WaitStatus) {
	_, _ = w.conn.Write(binary.NativeEndian.AppendUint32(nil, uint32(status)))
}

// Relay hands on all events to come, until there are no more.
func (w *World) Relay(to io.Writer) { _, _ = w.lines.WriteTo(to) }

// End is how an App, or its world, ended.
type End struct {
	Code   int            // exit code of the App, -1 if by a signal
	Signal syscall.Signal // that killed it
	Left   bool           // something of the App's lives on in its world
	Lost   bool           // the init was killed, and with it everything in there, before it could tell
}

// Wait returns how the App ended, when it has.
func (w *World) Wait() End {
	e, err := w.next()
	for ; err == nil && e.News != nil; e, err = w.next() {
		if w.News != nil {
			w.News(e.News)
		}
	}
	if err != nil || !e.Ended {
		return End{Code: -1, Signal: syscall.SIGKILL, Lost: true}
	}
	return End{Code: e.Code, Signal: syscall.Signal(e.Signal), Left: e.Left}
}

// Send gives the init of a template one word, and a file with it.
func (w *World) Send(word byte, f *os.File) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(startTimeout))
	var rights []byte
	if f != nil {
		rights = unix.UnixRights(int(f.Fd()))
	}
	_, _, err := w.conn.WriteMsgUnix([]byte{word}, rights, nil)
	return err
}

// Reaped returns, after Wait and when the init has ended, how many processes ended after the App; 0
// if they were killed with the init.
func (w *World) Reaped() int {
	e, err := w.next()
	if err != nil {
		return 0
	}
	return e.Reaped
}

func (w *World) next() (Event, error) {
	var e Event
	line, err := w.lines.ReadBytes('\n')
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(line, &e)
}

// Leave lets whoever is at the other end know that this one has gone, and waits so long until that has gone, too.
func (w *World) Leave(timeout time.Duration) error {
	_ = w.conn.CloseWrite()
	_ = w.conn.SetReadDeadline(time.Now().Add(timeout))
	_, err := io.Copy(io.Discard, w.lines)
	return err
}

// Close lets go of the init: one that was not started ends by it. A nil World is closed.
func (w *World) Close() {
	if w != nil {
		_ = w.conn.Close()
		for _, f := range w.files {
			_ = f.Close()
		}
		w.files = nil
		w.forget()
	}
}
