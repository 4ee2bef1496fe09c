package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t testing.TB) (s *Spool, file string, woken chan struct{}) {
	t.Helper()
	file, woken = filepath.Join(t.TempDir(), "events"), make(chan struct{}, 1)
	s, err := Open(file, 0o660, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, file, woken
}

func fired(n int) []byte { return fmt.Appendf(nil, `{"command":"FireEvent","n":%d}`, n) }

func read(t testing.TB, file string) (all []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Read(f, func(seq int64, payload []byte) error {
		all = append(all, fmt.Sprint(seq, " ", string(payload)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSpool: what is appended is given out in order, is in the file, and is forgotten when it is taken.
func TestSpool(t *testing.T) {
	s, file, woken := open(t)
	s.Append(fired(1), true)
	s.Append(fired(2), false)
	for {
		if _, _, ok := s.Next(1); ok {
			break
		}
		<-woken
	}
	for want := int64(1); want <= 2; want++ {
		if seq, payload, ok := s.Next(want - 1); !ok || seq != want || !bytes.Equal(payload, fired(int(want))) {
			t.Errorf("got %d %q %v", seq, payload, ok)
		}
	}
	if _, _, ok := s.Next(2); ok {
		t.Error("there is a third")
	}
	s.Taken(1)
	if seq, _, _ := s.Next(0); seq != 2 {
		t.Errorf("the oldest is %d", seq)
	}
	s.Taken(7) // more than there are
	s.Taken(2)
	s.Append(fired(3), true)
	if got := read(t, file); len(got) != 1 || !strings.HasPrefix(got[0], "3 ") {
		t.Errorf("the file has %q", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.Append(fired(4), true) // too late, and nothing waits for it
}

// TestFull: beyond the bound events are lost, and it is said how many.
func TestFull(t *testing.T) {
	s, file, _ := open(t)
	for n := range maxEvents + 7 {
		s.Append(fired(n), false)
	}
	s.Append(fired(0), true) // lost as well
	s.Taken(0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, file)
	if last := got[len(got)-1]; !strings.Contains(last, `"Lost"`) {
		t.Errorf("the last record is %q", last)
	}
	lost, kept := 0, 0
	for _, r := range got {
		var n int
		if i := strings.Index(r, `"count":`); i > 0 {
			_, _ = fmt.Sscanf(r[i:], `"count":%d`, &n)
			lost += n
		} else {
			kept++
		}
	}
	if kept != maxEvents || lost != 8 {
		t.Errorf("%d are kept and %d are said to be lost", kept, lost)
	}
}

// TestLargeSpoolIsWrittenAnew: what was taken does not stay in the file for ever, also while something waits.
func TestLargeSpoolIsWrittenAnew(t *testing.T) {
	s, file, _ := open(t)
	large := []byte(`{"command":"FireEvent","x":"` + strings.Repeat("x", 150<<10) + `"}`)
	for n := range int64(400) { // 60 MB
		s.Append(large, n%50 == 49)
		s.Taken(n)
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 40<<20 {
		t.Errorf("the file has %d MB (%v)", info.Size()>>20, err)
	}
	s.Taken(399)
	if seq, payload, ok := s.Next(0); seq != 400 || !bytes.Equal(payload, large) || !ok {
		t.Errorf("the oldest is %d, %v", seq, ok)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := read(t, file); len(got) > 300 || !strings.HasPrefix(got[len(got)-1], "400 ") {
		t.Errorf("the file has %d events", len(got))
	}
}

// TestBrokenDisk: an event that cannot be made durable is not given out, and is counted.
func TestBrokenDisk(t *testing.T) {
	s, _, _ := open(t)
	s.Append(fired(1), true)
	_ = s.f.Close()
	s.Append(fired(2), true)
	s.Append(fired(3), false)
	if seq, _, ok := s.Next(1); ok {
		t.Errorf("event %d was given out", seq)
	}
	if n := s.Silent(); n != 2 {
		t.Errorf("%d events are counted as lost, want 2", n)
	}
}

func TestDamagedFile(t *testing.T) {
	s, file, _ := open(t)
	for n := range 3 {
		s.Append(fired(n), true)
	}
	_ = s.Close()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		n := 0
		err := Read(bytes.NewReader(bad), func(seq int64, payload []byte) error {
			if n++; !bytes.Equal(payload, fired(n-1)) || seq != int64(n) {
				t.Errorf("with byte %d changed event %d is %q", i, seq, payload)
			}
			return nil
		})
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d changed: %v after %d events", i, err, n)
		}
	}
}

// FuzzRead: whatever is in the file is read within its size, and what is read is well formed.
func FuzzRead(f *testing.F) {
	s, file, _ := open(f)
	for n := range 3 {
		s.Append(fired(n), true)
	}
	_ = s.Close()
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, data []byte) {
		last := int64(0)
		_ = Read(bytes.NewReader(data), func(seq int64, payload []byte) error {
			if last != 0 && seq != last+1 || len(payload) == 0 || payload[0] != '{' {
				t.Errorf("event %d after %d: %q", seq, last, payload)
			}
			last = seq
			return nil
		})
	})
}
