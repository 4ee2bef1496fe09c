package journal

import (
	"errors"
	"fmt"
	"io"
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
// A file that failed once is never written or synced again, because it is not known what of it is
// on the disk. The other one takes over, and a new file replaces the failed one.
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
	damage     []string // found at open, and not what a crash leaves
	copied     bool     // the file in force was written at another place
	made       bool     // there was none, found at open
	closed     bool

	written int64        // grows with every byte appended, over all generations
	synced  atomic.Int64 // part of it that is durable
}

// span is the position of secrets in the file in force.
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
			l.damage = append(l.damage, filepath.Base(l.path(i))+": "+err.Error())
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
	for i, f := range l.files { // on a full disk, the one in force is enough
		if l.size[i], err = f.preallocate(least); err != nil {
			l.fail(i, err)
			if l.size[i] < headBytes && i == l.current && l.generation > 0 {
				return nil, err
			}
		}
	}
	if l.generation == 0 { // a new journal
		l.made = true
		if err := errors.Join(l.failed[0], l.failed[1], l.blank(0), l.blank(1)); err != nil {
			return nil, noSpace(err)
		}
		return l, errors.Join(l.rotate(nil), atomicfile.SyncDir(dir), atomicfile.SyncDir(filepath.Dir(dir)))
	}
	if err := l.replay(replay); err != nil {
		return nil, err
	}
	// Overwrite what the last rotation could not because of a crash.
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

func (l *log) path(i int) string { return filepath.Join(l.dir, fileName(i)) }
func fileName(i int) string      { return fmt.Sprintf("journal.%d", i) }
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

// replay applies all records of the file in force.
func (l *log) replay(apply func(*parts, bool) error) error {
	found, err := scan(l.active(), l.size[l.current], l.generation, func(p *parts, at int64, gone bool) error {
		if err := apply(p, gone); err != nil {
			return err
		}
		if !gone {
			l.note(*p, at)
		}
		return nil
	})
	for _, damage := range found.damage {
		l.damage = append(l.damage, filepath.Base(l.path(l.current))+": "+damage)
	}
	l.end, l.discarded = found.end, found.discarded
	return err
}

// scanned is what was found in a file.
type scanned struct {
	end       int64    // where the next record goes
	discarded int64    // bytes there that are no record
	damage    []string // before it
}

// scan calls record for each record of a file. What is no record is the end, unless a record behind it shows
// that it was damaged.
func scan(f io.ReaderAt, size int64, generation uint64, record func(p *parts, at int64, gone bool) error) (s scanned, err error) {
	for s.end = headBytes; ; {
		p, n, gone, err := readRecord(f, s.end, size, generation)
		if err != nil {
			return s, err
		}
		if p.payload == nil {
			next, found, err := nextRecord(f, s.end+1, size, generation)
			if err != nil || !found {
				s.discarded = n
				return s, err
			}
			s.damage = append(s.damage, fmt.Sprintf("%d bytes at %d cannot be read", next-s.end, s.end))
			s.end = next
			continue
		}
		if err := record(&p, s.end, gone); err != nil {
			return s, err
		}
		s.end += n
	}
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, ErrNoSpace) {
		return fmt.Errorf("%w: %v", ErrNoSpace, err)
	}
	return err
}
