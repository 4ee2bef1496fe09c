package journal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// disk is what lies below a journal's files in these tests: a page cache, and faults. What was
// written is in the cache only, until a datasync brings it to the real file; one that fails drops
// it and says so once, as Linux does.
type disk struct {
	bytes int64 // of each file; 0 = fileBytes
	mu    sync.Mutex
	ops   int
	from  int // the first operation that fails, by number
	until int // the first one that does not fail any more
	err   error
}

// fault counts an operation and says whether it fails.
func (d *disk) fault() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if d.ops >= d.from && d.ops < d.until {
		return d.err
	}
	return nil
}

func (d *disk) set(from, until int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops, d.from, d.until = 0, from, until
}

func (d *disk) open(path string) (file, error) {
	if err := d.fault(); err != nil {
		return nil, err
	}
	real, err := openFile(path)
	if err != nil {
		return nil, err
	}
	f := &cachedFile{file: real, disk: d}
	fi, err := real.(osFile).Stat()
	if err != nil {
		return nil, err
	}
	f.cache = make([]byte, fi.Size())
	_, err = real.ReadAt(f.cache, 0)
	return f, ignoreEOF(err)
}

type cachedFile struct {
	file
	disk  *disk
	mu    sync.Mutex
	cache []byte
	dirty []span
}

func (f *cachedFile) ReadAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.NewReader(f.cache).ReadAt(b, at)
}

func (f *cachedFile) WriteAt(b []byte, at int64) (int, error) {
	err := f.disk.fault()
	if err != nil {
		b = b[:len(b)/2]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = append(f.dirty, span{at, int64(len(b))})
	return copy(f.cache[at:], b), err
}

func (f *cachedFile) datasync() error {
	err := f.disk.fault()
	f.mu.Lock()
	defer f.mu.Unlock()
	dirty := f.dirty
	f.dirty = nil
	for _, s := range dirty {
		if err == nil {
			_, err = f.file.WriteAt(f.cache[s.at:s.at+s.bytes], s.at)
		}
	}
	return err
}

func (f *cachedFile) preallocate(size int64) (int64, error) {
	if err := f.disk.fault(); err != nil {
		return int64(len(f.cache)), err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if grow := size - int64(len(f.cache)); grow > 0 {
		f.cache = append(f.cache, make([]byte, grow)...)
	}
	return int64(len(f.cache)), f.file.(osFile).Truncate(int64(len(f.cache)))
}

// smallFile is turned over sooner.
const smallFile = 256 << 10

func openOn(t *testing.T, dir string, d *disk) *Journal {
	t.Helper()
	j, err := openIn(dir, nil, d.open, cmp.Or(d.bytes, fileBytes))
	must(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// A sync that fails is the end of that file: the order is in the other one, or it was never
// accepted, and what comes later does not lie behind a gap.
func TestFailedSync(t *testing.T) {
	for name, failing := range map[string]int{"one file": 1, "both files": 1000} {
		t.Run(name, func(t *testing.T) {
			dir, d := t.TempDir(), &disk{err: syscall.EIO}
			j := openOn(t, dir, d)
			d.set(2, 2+failing) // the write is in the cache
			first, later := order("first", 1), order("later", 1)
			fresh, err := j.Accept(first)
			if accepted := failing == 1; fresh != accepted || (err == nil) != accepted {
				t.Fatalf("Accept = %v, %v; want accepted: %v", fresh, err, accepted)
			}
			if err != nil {
				if again, err := j.Accept(first); again || err == nil {
					t.Fatalf("the same order again = %v, %v; want an error: nothing holds it", again, err)
				}
				if _, known := j.Get(first.Order.Ref); known || len(j.Entries()) != 0 {
					t.Error("it is known although it was refused")
				}
				if j.Ready() == nil {
					t.Error("Ready says nothing")
				}
			}
			d.set(0, 0) // the disk is well again
			must(t, j.Ready())
			_, err = j.Accept(later)
			must(t, err)
			must(t, j.Finish(result(later)))
			crash(t, j)
			j = open(t, dir)
			if e, ok := j.Get(later.Order.Ref); !ok || e.Result == nil {
				t.Error("an order that was accepted and finished after the fault is gone")
			}
			if _, ok := j.Get(first.Order.Ref); ok != (failing == 1) {
				t.Errorf("the first order: known %v", ok)
			}
		})
	}
}

// What the journal said holds, whichever operation fails, for however long, and wherever the power
// goes; and it goes on by itself.
func TestFaultEverywhere(t *testing.T) {
	d := &disk{err: syscall.EIO, bytes: smallFile}
	life(t, openOn(t, t.TempDir(), d), map[wire.Ref]string{})
	all := d.ops
	if all < 40 {
		t.Fatalf("the life that is disturbed has %d operations only", all)
	}
	const stride = 9 // every operation is disturbed by now and then; 1 tries all, and takes minutes
	start := 0
	for _, err := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, length := range []int{1, 3, all} {
			start++
			for from := start; from <= all; from += stride {
				name := fmt.Sprintf("%v at %d for %d", err, from, length)
				dir, d, said := t.TempDir(), &disk{err: err, bytes: smallFile}, map[wire.Ref]string{}
				d.set(from, from+length)
				j, err := openIn(dir, nil, d.open, cmp.Or(d.bytes, fileBytes))
				if err == nil {
					life(t, j, said)
					verify(t, name+", before the crash", j, said)
					if from%2 == 0 { // else the crash comes while the disk is ill
						d.set(0, 0)
						if err := j.Ready(); err != nil {
							t.Fatalf("%s: it does not come back: %v", name, err)
						}
						_, err := j.Accept(order("healed", 1))
						must(t, err)
						said[order("healed", 1).Order.Ref] = "accepted"
					}
					crash(t, j)
				}
				j = openOn(t, dir, &disk{bytes: smallFile})
				verify(t, name, j, said)
				crash(t, j)
			}
		}
	}
}

// life is enough for the log to change files, and notes what it was told.
func life(t *testing.T, j *Journal, said map[wire.Ref]string) {
	t.Helper()
	for i := range 6 {
		e := order(fmt.Sprintf("o%d", i), 1)
		e.Order.Params["big"] = strings.Repeat("x", smallFile/4)
		ref := e.Order.Ref
		switch fresh, err := j.Accept(e); {
		case err == nil && fresh:
			said[ref] = "accepted"
		case err == nil:
			t.Fatalf("%s is known before it came", ref)
		default:
			if again, err := j.Accept(e); err == nil && !again {
				t.Fatalf("%s is known after it was refused", ref)
			} else if err != nil {
				continue
			}
			said[ref] = "accepted"
		}
		_ = j.Starting(ref, nil, nil)
		_ = j.Started(ref)
		if j.Finish(result(e)) == nil {
			said[ref] = "finished"
		}
		if i%2 == 1 {
			_ = j.Forget(ref)
			delete(said, ref)
		}
	}
}

func verify(t *testing.T, when string, j *Journal, said map[wire.Ref]string) {
	t.Helper()
	for ref, what := range said {
		e, ok := j.Get(ref)
		if !ok || what == "finished" && e.Result == nil {
			t.Fatalf("%s: %s of %s was lost", when, what, ref)
		}
		if what == "accepted" && e.State == wire.StateAccepted && e.Order.Params == nil {
			t.Fatalf("%s: the parameters of %s were lost before it started", when, ref)
		}
	}
}

// Orders that wait for the same sync share its fate.
func TestFailedSyncOfMany(t *testing.T) {
	dir, d := t.TempDir(), &disk{err: syscall.EIO}
	j := openOn(t, dir, d)
	d.set(10, 60)
	var wg sync.WaitGroup
	var mu sync.Mutex
	said := map[wire.Ref]string{}
	for g := range 8 {
		wg.Go(func() {
			for i := range 30 {
				e := order(fmt.Sprintf("g%d-%d", g, i), 1)
				if _, err := j.Accept(e); err != nil {
					if !errors.Is(err, syscall.EIO) {
						t.Error(err)
					}
					continue
				}
				if i%3 == 0 {
					if j.Finish(result(e)) == nil {
						_ = j.Forget(e.Order.Ref)
					}
					continue
				}
				mu.Lock()
				said[e.Order.Ref] = "accepted"
				mu.Unlock()
				if i%3 == 1 && j.Finish(result(e)) == nil {
					mu.Lock()
					said[e.Order.Ref] = "finished"
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	must(t, j.Ready())
	verify(t, "in memory", j, said)
	crash(t, j)
	verify(t, "after a crash", open(t, dir), said)
}

// A spare file that cannot be had does not keep results from their owner.
func TestOpenWithoutSpare(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	e := order("one", 1)
	_, err := j.Accept(e)
	must(t, err)
	spare := j.log.path(1 - j.log.current)
	crash(t, j)
	d := &disk{err: syscall.ENOSPC}
	j, err = openIn(dir, nil, func(path string) (file, error) {
		f, err := d.open(path)
		if path == spare && err == nil {
			return noRoom{f}, nil
		}
		return f, err
	}, fileBytes)
	must(t, err)
	defer j.Close()
	must(t, j.Finish(result(e)))
	if got := filepath.Base(j.log.active().Name()); got == filepath.Base(spare) {
		t.Errorf("%s is in force", got)
	}
}

type noRoom struct{ file }

func (noRoom) preallocate(int64) (int64, error) { return 0, syscall.ENOSPC }

// While no file can be used none is held open: the file system has to be unmounted to be mended.
func TestFailedFilesAreClosed(t *testing.T) {
	dir, d := t.TempDir(), &disk{err: syscall.EIO}
	j := openOn(t, dir, d)
	before := order("before", 1)
	_, err := j.Accept(before)
	must(t, err)
	d.set(1, 1000)
	if _, err := j.Accept(order("one", 1)); err == nil {
		t.Fatal("accepted on a dead disk")
	}
	for i, f := range j.log.files {
		if f != nil {
			t.Errorf("file %d is open", i)
		}
	}
	_ = j.Forget(order("unknown", 1).Order.Ref)
	d.set(0, 0)
	must(t, j.Ready())
	must(t, j.Finish(result(before)))
	crash(t, j)
	verify(t, "after a crash", open(t, dir), map[wire.Ref]string{before.Order.Ref: "finished"})
}
