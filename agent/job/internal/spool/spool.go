package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"time"
)

// Bounds of what waits.
const (
	maxEvents = 10_000
	maxBytes  = 16 << 20
	header    = 4 + 8 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Spool is safe for concurrent use.
type Spool struct {
	name string
	wake func() // there may be something to give out

	mu      sync.Mutex
	changed sync.Cond // of synced, dirty and closed
	f       *os.File
	events  []event // that wait, the oldest first
	first   int64   // the number of events[0], or of the next event
	bytes   int64   // of events, with headers
	end     int64   // of the file
	synced  int64   // the newest number that is durable
	dirty   bool    // something is written and not synced
	closed  bool
	syncing chan struct{}
	failed  error // of a sync, after which nothing of the file is known

	lost   int64 // events that were lost since the last record that says so
	reason string
	silent int64 // events of whose loss no record could be written
}

type event struct {
	at  int64 // of the payload, in the file
	len int
}

// Open makes the spool of a job; the file must not exist. wake is called, without waiting for it,
// when Next may have more.
func Open(name string, mode os.FileMode, wake func()) (*Spool, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
	if err != nil {
		return nil, err
	}
	s := &Spool{name: name, wake: wake, f: f, first: 1, syncing: make(chan struct{})}
	s.changed.L = &s.mu
	go s.sync()
	return s, nil
}

// Append adds an event. With wait it returns when the event is durable, or certainly lost.
func (s *Spool) Append(payload []byte, wait bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if !s.say() || !s.room(len(payload)) {
		s.lose(1, fmt.Sprintf("more than %d events or %d MiB wait for the cloud", maxEvents, maxBytes>>20))
		return
	}
	seq, err := s.write(payload)
	if err != nil {
		s.lose(1, err.Error())
		return
	}
	for wait && s.synced < seq && s.failed == nil && !s.closed {
		s.changed.Wait()
	}
}

// Lost counts events that were lost before they came here.
func (s *Spool) Lost(n int64, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose(n, reason)
	s.say()
}

// Say writes down how many events were lost, if that is not written yet. It needs no room.
func (s *Spool) Say() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say()
}

func (s *Spool) room(n int) bool { return len(s.events) < maxEvents && s.bytes+int64(n) <= maxBytes }

func (s *Spool) lose(n int64, reason string) {
	s.lost += n
	s.reason = reason
}

// say reports whether nothing is left to be said. s.mu is held.
func (s *Spool) say() bool {
	if s.lost == 0 {
		return true
	}
	line, err := json.Marshal(map[string]any{"command": "Lost", "count": s.lost, "reason": s.reason})
	if err == nil {
		_, err = s.write(line)
	}
	if err != nil {
		return false
	}
	s.lost, s.reason = 0, ""
	return true
}

// write adds a record. s.mu is held.
func (s *Spool) write(payload []byte) (seq int64, err error) {
	if s.failed != nil {
		return 0, s.failed
	}
	seq = s.first + int64(len(s.events))
	record := make([]byte, header, header+len(payload))
	binary.BigEndian.PutUint32(record, uint32(len(payload)))
	binary.BigEndian.PutUint64(record[4:], uint64(seq))
	record = append(record, payload...)
	binary.BigEndian.PutUint32(record[12:], checksum(record[4:12], payload))
	if _, err := s.f.WriteAt(record, s.end); err != nil {
		if again := s.f.Truncate(s.end); again != nil {
			s.fail(again)
		}
		return 0, fmt.Errorf("writing an event: %w", err)
	}
	s.events = append(s.events, event{s.end + header, len(payload)})
	s.end += int64(len(record))
	s.bytes += int64(len(record))
	s.dirty = true
	s.changed.Broadcast()
	return seq, nil
}

func checksum(seq, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(seq, castagnoli), castagnoli, payload)
}

// fail is final: after a failed sync nobody knows what is on the disk. s.mu is held.
func (s *Spool) fail(err error) {
	s.failed = err
	kept := int(max(0, s.synced-s.first+1))
	s.silent += int64(len(s.events) - kept)
	s.events = s.events[:kept]
	s.changed.Broadcast()
}

// sync makes durable what was written, until the spool is closed.
func (s *Spool) sync() {
	defer close(s.syncing)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for !s.dirty && !s.closed {
			s.changed.Wait()
		}
		if !s.dirty || s.failed != nil {
			return
		}
		s.dirty = false
		newest, f := s.first+int64(len(s.events))-1, s.f
		s.mu.Unlock()
		err := f.Sync()
		s.mu.Lock()
		switch {
		case err == nil:
			s.synced = max(s.synced, newest)
		case s.f == f: // else it was written anew, and synced, meanwhile
			s.fail(err)
		}
		s.changed.Broadcast()
		s.mu.Unlock()
		s.wake()
		s.mu.Lock()
	}
}

// Next returns the oldest durable event after the number after, ok false if there is none.
func (s *Spool) Next(after int64) (seq int64, payload []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq = max(after+1, s.first)
	i := int(seq - s.first)
	if seq > s.synced || i >= len(s.events) {
		return 0, nil, false
	}
	payload = make([]byte, s.events[i].len)
	if _, err := s.f.ReadAt(payload, s.events[i].at); err != nil {
		s.fail(err)
		return 0, nil, false
	}
	return seq, payload, true
}

// Taken forgets the events up to seq.
func (s *Spool) Taken(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int(min(seq, s.synced) - s.first + 1)
	if n <= 0 || n > len(s.events) {
		return
	}
	for _, e := range s.events[:n] {
		s.bytes -= int64(header + e.len)
	}
	s.events = append(s.events[:0], s.events[n:]...)
	s.first += int64(n)
	switch {
	case s.failed != nil:
	case len(s.events) == 0 && s.end > 0:
		if err := s.f.Truncate(0); err == nil { // a record that survives a power cut is only given out again
			s.end = 0
		}
	case s.end > 2*maxBytes && s.end > 2*s.bytes:
		s.rewrite()
	}
}

// rewrite writes what waits into a new file. If that does not work, the old one goes on. s.mu is held.
func (s *Spool) rewrite() {
	name := s.name + ".new"
	_ = os.Remove(name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o660)
	if err != nil {
		return
	}
	from := s.events[0].at - header
	all := make([]byte, s.end-from) // at most maxBytes and what is said of losses
	if _, err = s.f.ReadAt(all, from); err == nil {
		_, err = f.Write(all)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(name, s.name)
	}
	if err != nil {
		_, _ = f.Close(), os.Remove(name)
		return
	}
	_ = s.f.Close()
	s.f = f
	for i := range s.events {
		s.events[i].at -= from
	}
	s.end, s.synced = int64(len(all)), s.first+int64(len(s.events))-1
}

// Silent is how many events were lost whose loss could not be written down.
func (s *Spool) Silent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent + s.lost
}

// closeTimeout bounds how long the end of a job waits for the disk.
const closeTimeout = 10 * time.Second

// Close makes everything durable. The file stays.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.say()
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	select {
	case <-s.syncing:
	case <-time.After(closeTimeout):
		return errors.New("the disk does not answer")
	}
	return errors.Join(s.failed, s.f.Close())
}
