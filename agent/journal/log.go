package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

const (
	// fileBytes is the preallocated size of each file.
	fileBytes = 4 << 20
	// idleBytes: a log without live entries starts over when it is larger.
	idleBytes = 64 << 10
	// resultBytes is kept free for each live entry's result: a frame at most.
	resultBytes = 256<<10 + 1<<10
)

// log is the pair of files. Its methods are called under Journal.mu.
//
// A file that failed once is never written or synced again: what of it is on
// the disk is not known any more. The other one takes over, and a new file the failed one's place.
type log struct {
	dir   string
	place place.Place // hashed
	open  func(path string) (file, error)
	least int64 // preallocated bytes of each file, fileBytes but in tests

	files      [2]file  // nil: to be made
	failed     [2]error // why a file is not used any more
	size       [2]int64 // preallocated bytes
	current    int      // index of the file in force
	generation uint64   // of the file in force
	newest     uint64   // highest generation that may be on the disk
	end        int64    // where the next record goes
	secrets    map[wire.Ref][]span
	discarded  int64    // bytes that were no record at the end, found at open
	damage     []string // what was found at open that no crash leaves
	copied     bool     // the file in force was written at another place
	closed     bool

	written int64        // grows with every byte appended, over all generations
	synced  atomic.Int64 // part of it that is durable
}

// span is where secrets lie in the file in force.
type span struct{ at, bytes int64 }

func openLog(dir string, open func(string) (file, error), least int64, replay func(*parts, bool) error) (_ *log, err error) {
	l := &log{dir: dir, open: open, least: least, secrets: map[wire.Ref][]span{}}
	at, err := place.Of(dir)
	if err != nil {
		return nil, err
	}
	l.place = hashed(at)
	defer func() {
		if err != nil {
			_ = l.close()
		}
	}()
	var heads [2]head
	for i := range l.files {
		if l.files[i], err = open(l.path(i)); err != nil {
			return nil, err
		}
		if heads[i], err = readHead(l.files[i]); errors.Is(err, errDamaged) {
			l.damage = append(l.damage, fmt.Sprintf("%s: %v", filepath.Base(l.path(i)), err))
		} else if err != nil {
			return nil, err
		}
	}
	if heads[1].generation > heads[0].generation {
		l.current = 1
	}
	l.generation = heads[l.current].generation
	l.copied = l.generation > 0 && !heads[l.current].place.Same(l.place)
	l.newest = l.generation
	for i, f := range l.files { // on a full disk, the one in force will do
		if l.size[i], err = f.preallocate(least); err != nil {
			l.fail(i, err)
			if l.size[i] < headBytes && i == l.current && l.generation > 0 {
				return nil, err
			}
		}
	}
	if l.generation == 0 { // a new journal
		if err := errors.Join(l.failed[0], l.failed[1], l.blank(0), l.blank(1)); err != nil {
			return nil, noSpace(err)
		}
		return l, errors.Join(l.rotate(nil), atomicfile.SyncDir(dir), atomicfile.SyncDir(filepath.Dir(dir)))
	}
	if err := l.replay(replay); err != nil {
		return nil, err
	}
	// What a crash kept the last rotation from overwriting.
	if other := 1 - l.current; l.failed[other] == nil {
		if err := l.blank(other); err != nil {
			l.fail(other, err)
		}
	}
	return l, nil
}

// blank overwrites what is in a file.
func (l *log) blank(i int) error {
	is, err := blank(l.files[i], l.size[i])
	if err == nil && !is {
		err = errors.Join(fill(l.files[i], 0, l.size[i]), l.files[i].datasync())
	}
	return err
}

func (l *log) path(i int) string { return filepath.Join(l.dir, fmt.Sprintf("journal.%d", i)) }
func (l *log) active() file      { return l.files[l.current] }
func (l *log) used() int64       { return l.end - headBytes }
func (l *log) free() int64       { return l.size[l.current] - l.end }
func (l *log) broken() error     { return l.failed[l.current] }

func (l *log) close() error {
	var errs []error
	for _, f := range l.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// fail remembers that a file failed. The first reason counts.
func (l *log) fail(i int, why error) {
	if l.failed[i] == nil {
		l.failed[i] = why
	}
}

// append writes a record and returns what has to be synced for it.
func (l *log) append(p parts) (int64, error) {
	if err := l.broken(); err != nil {
		return 0, noSpace(err)
	}
	b := frame(l.generation, p)
	if _, err := l.active().WriteAt(b, l.end); err != nil {
		l.fail(l.current, err)
		return 0, noSpace(err)
	}
	l.note(p, l.end)
	l.end += int64(len(b))
	l.written += int64(len(b))
	return l.written, nil
}

// note remembers where the secrets of a record lie.
func (l *log) note(p parts, at int64) {
	if n := int64(len(p.secret)); n > 0 {
		l.secrets[p.ref] = append(l.secrets[p.ref], span{at + recordHead + int64(len(p.payload)), n})
	}
}

// wipe overwrites the secrets of an order that is over.
func (l *log) wipe(ref wire.Ref) {
	for _, s := range l.secrets[ref] {
		if l.broken() == nil {
			if _, err := l.active().WriteAt(make([]byte, s.bytes), s.at); err != nil {
				l.fail(l.current, err)
			}
		}
	}
	delete(l.secrets, ref)
}

// rotate makes the other file, which reserve has made ready, the log, holding just the given records. The
// new header is written last: until it is durable the old file counts. When
// that write fails, either may count, so nothing is added to the old one any more.
func (l *log) rotate(live []parts) error {
	size := int64(headBytes)
	for _, p := range live {
		size += p.size()
	}
	next := 1 - l.current
	l.newest++ // never used twice: the header of an attempt that fails may be on the disk
	buf := make([]byte, headBytes, size)
	for _, p := range live {
		buf = append(buf, frame(l.newest, p)...)
	}
	f := l.files[next]
	_, err := f.WriteAt(buf, 0)
	if err == nil {
		err = f.datasync()
	}
	if err == nil {
		_, err = f.WriteAt(head{l.newest, l.place}.bytes(), 0)
		if err == nil {
			err = f.datasync()
		}
		if err != nil {
			l.fail(l.current, fmt.Errorf("changing to the other file: %w", err))
		}
	}
	if err != nil {
		l.fail(next, err)
		return noSpace(err)
	}
	l.change(live)
	return nil
}

// change puts the other file in force and overwrites what the old one held.
// That is not synced: a crash leaves it to the next start.
func (l *log) change(live []parts) {
	old, used := l.current, l.end
	if l.discarded > 0 {
		used, l.discarded = l.size[old], 0
	}
	l.current, l.generation, l.end = 1-old, l.newest, headBytes
	clear(l.secrets)
	for _, p := range live {
		l.note(p, l.end)
		l.end += p.size()
	}
	l.synced.Store(l.written)
	if l.files[old] != nil {
		if err := fill(l.files[old], 0, max(used, headBytes)); err != nil {
			l.fail(old, err)
		}
	}
	if l.failed[old] != nil {
		_ = l.reserve(l.least) // a new one; if that fails, then when it is needed
	}
	l.shrink(old, l.size[l.current])
}

// shrink gives the room of a load that is over back. Should it fail, that room is merely not given back.
func (l *log) shrink(i int, want int64) {
	if l.failed[i] == nil && l.size[i] > want && l.files[i].Truncate(want) == nil {
		l.size[i] = want
	}
}

// release closes files that failed when there is no other: their file system may be waiting to be unmounted.
func (l *log) release() {
	for i, f := range l.files {
		if f != nil && l.failed[i] != nil {
			_ = f.Close()
			l.files[i], l.size[i] = nil, 0
		}
	}
}

// drop removes a file that failed and does not count.
func (l *log) drop(i int) error {
	if l.files[i] != nil {
		_ = l.files[i].Close()
		l.files[i], l.size[i] = nil, 0
	}
	if err := os.Remove(l.path(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.failed[i] = nil
	return nil
}

// reserve has the file that rotate will write ready and large enough. One
// that failed is replaced by a new one, by its path: the file system may have been mounted anew.
func (l *log) reserve(bytes int64) error {
	if l.closed { // the files are another process's by now
		return os.ErrClosed
	}
	next := 1 - l.current
	if l.failed[next] != nil {
		if err := l.drop(next); err != nil {
			return fmt.Errorf("replacing a file that failed: %w", noSpace(err))
		}
	}
	if l.files[next] == nil {
		f, err := l.open(l.path(next))
		if err != nil {
			return noSpace(err)
		}
		l.files[next] = f
		if err := atomicfile.SyncDir(l.dir); err != nil {
			l.fail(next, err)
			return noSpace(err)
		}
	}
	bytes = max(bytes, l.least)
	if l.shrink(next, bytes); l.size[next] >= bytes {
		return nil
	}
	size, err := l.files[next].preallocate(bytes)
	if errors.Is(err, syscall.ENOSPC) { // it is as good as before
		return noSpace(err)
	}
	if err != nil {
		l.fail(next, err)
		return err
	}
	l.size[next] = size
	return nil
}

// replay applies all records of the file in force. What is no record is the end, unless a later
// one shows that it was damaged.
func (l *log) replay(apply func(*parts, bool) error) error {
	size := l.size[l.current]
	for l.end = headBytes; ; {
		p, n, gone, err := readRecord(l.active(), l.end, size, l.generation)
		if err != nil && !errors.Is(err, errTorn) {
			return err
		}
		if n == 0 || err != nil {
			next, found, readErr := nextRecord(l.active(), l.end+1, size, l.generation)
			switch {
			case readErr != nil:
				return readErr
			case found:
				l.damage = append(l.damage, fmt.Sprintf("%s: %d bytes at %d cannot be read", filepath.Base(l.path(l.current)), next-l.end, l.end))
				l.end = next
				continue
			}
			l.discarded = n
			return nil
		}
		if err := apply(&p, gone); err != nil {
			return err
		}
		if !gone {
			l.note(p, l.end)
		}
		l.end += n
	}
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, ErrNoSpace) {
		return fmt.Errorf("%w: %v", ErrNoSpace, err)
	}
	return err
}
