package audit

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	maxBytes = 10 << 20
	maxOld   = 9
	fileMode = 0o640
)

// Log is the audit log of one home. It is safe for concurrent use, also of several processes. A nil
// Log records nothing.
type Log struct {
	path string
	max  int64
	who  []any // attributes of this process

	now func() time.Time // time.Now but in tests

	mu    sync.Mutex
	lost  int // acts that could not be written since the last one that was
	again repeats
	onErr func(error)
}

// Open returns the log in the file at path. The first act makes the file.
func Open(path string) *Log {
	return &Log{path: path, max: maxBytes, who: who(), now: time.Now, again: repeats{}, onErr: func(error) {}}
}

// OnError sets a function that is called once when acts begin to be lost. An act is carried out
// even if it cannot be recorded, so somebody must be told.
func (l *Log) OnError(f func(error)) *Log {
	l.onErr = f
	return l
}

// who returns the user of this process, and on Linux also the login user, whom sudo does not
// change.
func who() []any {
	name := strconv.Itoa(os.Geteuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	attrs := []any{"user", name}
	if login := loginUser(); login != "" && login != name {
		attrs = append(attrs, "login", login)
	}
	return append(attrs, "pid", os.Getpid())
}

// Record appends one act with attributes, as in [slog.Logger.Info]. A secret that implements
// [slog.LogValuer] is logged by its LogValue.
//
// Of orders that are denied or refused for the same reason the first is said, and later how many more there
// were.
func (l *Log) Record(act Act, attrs ...any) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if act.repeatable() {
		said := false
		if attrs, said = l.again.add(now, act, attrs); !said {
			return
		}
	}
	var line []byte
	if l.lost > 0 {
		line = l.render("acts_lost", "count", l.lost)
	}
	l.again.due(now, act == AgentStopped, func(act Act, attrs []any) { line = append(line, l.render(act, attrs...)...) })
	line = append(line, l.render(act, attrs...)...)
	if err := l.append(line, !act.ofOrders()); err != nil {
		if l.lost++; l.lost == 1 {
			l.onErr(fmt.Errorf("recording %q in the audit log: %w", string(act), err))
		}
		return
	}
	l.lost = 0
}

// render makes the line of an act of this process.
func (l *Log) render(act Act, attrs ...any) []byte {
	var b bytes.Buffer
	h := slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.LevelKey:
			return slog.Attr{}
		case a.Key == slog.MessageKey:
			a.Key = "act"
		case a.Key == slog.TimeKey:
			a.Value = slog.TimeValue(a.Value.Time().UTC())
		}
		return a
	}})
	slog.New(h).With(l.who...).With(attrs...).Info(string(act)) //nolint:sloglint // the act is the message, from a fixed list
	return b.Bytes()
}

// A line that crosses a page is seen in parts while another process writes it: its rest is waited
// for so often, and so long each time.
const (
	partTries = 10
	partPause = time.Millisecond
)

// append writes whole lines with one write. If the disk is full it removes the part that was
// written. If a crash has left part of a line at the end of the file, it ends that line first.
func (l *Log) append(lines []byte, flush bool) error {
	f, err := l.open()
	if err != nil {
		return err
	}
	defer f.Close()
	unlock, alone := tryLock(f) // without the lock it appends all the same: no process may block others
	defer func() {
		if alone {
			unlock()
		}
	}()
	before, err := f.Stat()
	if err != nil {
		return err
	}
	for tries := 0; !endsLine(f, before.Size()); tries++ {
		if tries == partTries { // nobody is writing it: a crash left it
			lines = append([]byte{'\n'}, lines...)
			break
		}
		time.Sleep(partPause)
		if before, err = f.Stat(); err != nil {
			return err
		}
	}
	if n, err := f.Write(lines); err != nil {
		if after, statErr := f.Stat(); alone && n > 0 && statErr == nil && after.Size() == before.Size()+int64(n) {
			_ = f.Truncate(before.Size())
		}
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size() >= l.max && alone {
		l.rotate(f)
	}
	if flush {
		return f.Sync()
	}
	return nil
}

// endsLine reports whether the first size bytes of the file are whole lines.
func endsLine(f *os.File, size int64) bool {
	var last [1]byte
	if size == 0 {
		return true
	}
	_, err := f.ReadAt(last[:], size-1)
	return err != nil || last[0] == '\n'
}

// open opens the file, or makes it.
func (l *Log) open() (*os.File, error) {
	for {
		f, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|noFollow, 0)
		if os.IsNotExist(err) {
			f, err = l.create()
		}
		if os.IsExist(err) {
			continue // another process has made it
		}
		if err != nil {
			return nil, err
		}
		if err := plain(f); err != nil {
			_ = f.Close()
			return nil, err
		}
		return f, nil
	}
}

// create makes the file.
func (l *Log) create() (*os.File, error) {
	if err := os.Mkdir(filepath.Dir(l.path), 0o750); err != nil && !os.IsExist(err) {
		return nil, err
	}
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL|noFollow, fileMode)
	if err != nil {
		return nil, err
	}
	_ = f.Chmod(fileMode) // whatever the umask
	return f, nil
}

// rotate renames the full file f, which is locked. If that fails the file goes on growing: a log
// that is too long is better than none.
func (l *Log) rotate(f *os.File) {
	held, err := f.Stat()
	if err != nil {
		return
	}
	now, err := os.Lstat(l.path)
	if err != nil || !os.SameFile(held, now) {
		return // another process has done it
	}
	for n := maxOld - 1; n > 0; n-- {
		_ = os.Rename(l.old(n), l.old(n+1))
	}
	_ = os.Rename(l.path, l.old(1))
}

func (l *Log) old(n int) string { return l.path + "." + strconv.Itoa(n) }
