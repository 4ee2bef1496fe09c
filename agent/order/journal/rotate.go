package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"tcenvsvr/agent/disk/atomicfile"
)

// rotate puts the other file in force, with just the given records; reserve has made it ready. The
// new header is written last: until it is durable, the old file counts. If that write fails, either
// file may count, so nothing is added to the old one any more.
func (l *log) rotate(live []parts) error {
	size := int64(headBytes)
	for _, p := range live {
		size += p.size()
	}
	next := 1 - l.current
	l.newest++ // never used twice, because the header of an attempt that failed may be on the disk
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

// change records that the other file is in force and overwrites what the old one held. That is not
// synced: after a crash the next start does it.
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

// shrink gives back the space that a past load needed. If that fails, the space is merely not given
// back.
func (l *log) shrink(i int, want int64) {
	if l.failed[i] == nil && l.size[i] > want && l.files[i].Truncate(want) == nil {
		l.size[i] = want
	}
}

// release closes files that failed when there is no other one, so that their file system can be
// unmounted.
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

// reserve makes the file that rotate will write ready and large enough. A file that failed is
// replaced by a new one, by its path, because the file system may have been mounted anew.
func (l *log) reserve(bytes int64) error {
	if l.closed { // another process may use the files by now
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
