package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"tcenvsvr/agent/filelock"
)

const (
	magic      = "TCJ1"
	headBytes  = 16
	recordHead = 8

	// fileBytes is the preallocated size of each file.
	fileBytes = 4 << 20
	// idleBytes: a log without live entries starts over when it is larger.
	idleBytes = 64 << 10
	// resultBytes is kept free for each live entry's result: a frame at most.
	resultBytes = 256<<10 + 1<<10
	// maxRecord refuses lengths that no record has.
	maxRecord = 1 << 20
)

var table = crc32.MakeTable(crc32.Castagnoli)

// log is the pair of files. Methods other than sync are called under Journal.mu.
type log struct {
	files      [2]*os.File
	size       [2]int64     // preallocated bytes
	current    atomic.Int32 // index of the file in force
	generation uint64
	end        int64 // where the next record goes
	discarded  int64 // bytes of a torn record found at open

	written atomic.Int64 // grows with every byte appended, over all generations
	syncing sync.Mutex
	synced  int64 // part of written that is durable; guarded by syncing
}

func openLog(dir string, replay func([]byte) error) (_ *log, err error) {
	l := &log{}
	defer func() {
		if err != nil {
			_ = l.close()
		}
	}()
	var generation [2]uint64
	for i := range l.files {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("journal.%d", i)), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
		if err != nil {
			return nil, err
		}
		l.files[i] = f
		if err := filelock.Take(f); err != nil {
			return nil, err
		}
		if l.size[i], err = preallocate(f, fileBytes); err != nil {
			return nil, noSpace(err)
		}
		if generation[i], err = readHead(f); err != nil {
			return nil, err
		}
	}
	if generation[1] > generation[0] {
		l.current.Store(1)
	}
	l.generation = generation[l.current.Load()]
	if l.generation == 0 { // a new journal
		return l, l.rotate(nil)
	}
	return l, l.replay(replay)
}

func (l *log) active() *os.File { return l.files[l.current.Load()] }
func (l *log) used() int64      { return l.end - headBytes }
func (l *log) free() int64      { return l.size[l.current.Load()] - l.end }

func (l *log) close() error {
	var errs []error
	for _, f := range l.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func (l *log) checksum(payload []byte) uint32 {
	var g [8]byte
	binary.BigEndian.PutUint64(g[:], l.generation)
	return crc32.Update(crc32.Checksum(g[:], table), table, payload)
}

func (l *log) frame(payload []byte) []byte {
	b := make([]byte, recordHead, recordHead+len(payload))
	binary.BigEndian.PutUint32(b, uint32(len(payload)))
	binary.BigEndian.PutUint32(b[4:], l.checksum(payload))
	return append(b, payload...)
}

// append writes a record and returns what sync has to reach for it.
func (l *log) append(payload []byte) (int64, error) {
	b := l.frame(payload)
	if _, err := l.active().WriteAt(b, l.end); err != nil {
		return 0, noSpace(err)
	}
	l.end += int64(len(b))
	return l.written.Add(int64(len(b))), nil
}

// sync returns when everything up to the given point is durable. Callers
// that come while an fsync is under way share the next one.
func (l *log) sync(upto int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= upto {
		return nil
	}
	now := l.written.Load()
	// The file in force is enough: should a rotation have come between
	// append and here, it has made durable what was appended before it.
	if err := datasync(l.active()); err != nil {
		return err
	}
	l.synced = now
	return nil
}

// rotate makes the other file the log, holding just the given records. The
// new header is written last: until it is durable the old file counts.
func (l *log) rotate(live [][]byte) error {
	next := 1 - l.current.Load()
	f := l.files[next]
	l.generation++
	buf := make([]byte, 0, 4096)
	for _, payload := range live {
		buf = append(buf, l.frame(payload)...)
	}
	undo := func(err error) error {
		l.generation--
		return noSpace(err)
	}
	if _, err := f.WriteAt(make([]byte, headBytes), 0); err != nil {
		return undo(err)
	}
	if _, err := f.WriteAt(buf, headBytes); err != nil {
		return undo(err)
	}
	if err := datasync(f); err != nil {
		return undo(err)
	}
	if _, err := f.WriteAt(head(l.generation), 0); err != nil {
		return undo(err)
	}
	if err := datasync(f); err != nil {
		return undo(err)
	}
	old, used := l.active(), l.end
	l.end = headBytes + int64(len(buf))
	l.current.Store(next)
	return scrub(old, max(used, headBytes))
}

// scrub overwrites the parameters that a file out of force still holds. A
// crash before it is done leaves them to the next rotation.
func scrub(f *os.File, used int64) error {
	_, err := f.WriteAt(make([]byte, used), 0)
	return noSpace(err)
}

// reserve makes the file that rotate will write large enough.
func (l *log) reserve(bytes int64) error {
	next := 1 - l.current.Load()
	if l.size[next] >= bytes {
		return nil
	}
	size, err := preallocate(l.files[next], bytes)
	if err != nil {
		return noSpace(err)
	}
	l.size[next] = size
	return nil
}

func (l *log) replay(apply func([]byte) error) error {
	l.end = headBytes
	r := io.NewSectionReader(l.active(), 0, l.size[l.current.Load()])
	for {
		var h [recordHead]byte
		if _, err := r.ReadAt(h[:], l.end); err != nil {
			return ignoreEOF(err)
		}
		n := int64(binary.BigEndian.Uint32(h[:]))
		if n == 0 {
			return nil
		}
		if n > maxRecord || l.end+recordHead+n > l.size[l.current.Load()] {
			l.discarded = recordHead
			return nil
		}
		payload := make([]byte, n)
		if _, err := r.ReadAt(payload, l.end+recordHead); err != nil {
			return ignoreEOF(err)
		}
		if binary.BigEndian.Uint32(h[4:]) != l.checksum(payload) {
			l.discarded = recordHead + n
			return nil
		}
		if err := apply(payload); err != nil {
			return err
		}
		l.end += recordHead + n
	}
}

func head(generation uint64) []byte {
	b := make([]byte, headBytes)
	copy(b, magic)
	binary.BigEndian.PutUint64(b[4:], generation)
	binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b[:12], table))
	return b
}

// readHead returns 0 for a file that is not in force.
func readHead(f *os.File) (uint64, error) {
	b := make([]byte, headBytes)
	if _, err := f.ReadAt(b, 0); err != nil {
		return 0, ignoreEOF(err)
	}
	if string(b[:4]) != magic || binary.BigEndian.Uint32(b[12:]) != crc32.Checksum(b[:12], table) {
		return 0, nil
	}
	return binary.BigEndian.Uint64(b[4:]), nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %v", ErrNoSpace, err)
	}
	return err
}
