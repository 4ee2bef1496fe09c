package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

// pattern is n bytes in which every position can be told.
func pattern(n int) []byte {
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%d,", b.Len())
	}
	return b.Bytes()[:n]
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		name    string
		n       int
		max     int64
		marked  bool
		wantLen int64
	}{
		{"empty", 0, 100, false, 0},
		{"below the bound", 99, 100, false, 99},
		{"exactly the bound", 100, 100, false, 100},
		{"tail has the rest", 100 + Tail, 100, false, 100 + Tail},
		{"one byte left out", 101 + Tail, 100, true, 100 + Tail},
		{"much left out", 5*Tail + 12345, Tail, true, 2 * Tail},
		{"no head", 3 * Tail, 0, true, Tail},
	} {
		for _, small := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s small=%v", c.name, small), func(t *testing.T) {
				data := pattern(c.n)
				path := filepath.Join(t.TempDir(), "out")
				var r io.Reader = bytes.NewReader(data)
				if small {
					r = &ragged{r: r, rnd: rand.New(rand.NewPCG(1, 2))}
				}
				s := New(func() (*os.File, error) { return os.Create(path) }, c.max)
				if err := s.Copy(r); err != nil {
					t.Fatal(err)
				}
				written, kept, err := s.Close()
				if err != nil || written != int64(c.n) || kept != c.wantLen {
					t.Fatalf("Close: %d, %d, %v, want %d, %d", written, kept, err, c.n, c.wantLen)
				}
				want := data
				if c.marked {
					tail := data[len(data)-Tail:]
					want = fmt.Appendf(bytes.Clone(data[:c.max]), "\n[tcenvsvr: %d bytes of output left out here]\n%s", int64(c.n)-c.max-Tail, tail)
				}
				got, err := os.ReadFile(path)
				if c.n == 0 && !errors.Is(err, fs.ErrNotExist) {
					t.Error("a file was made for no output")
				}
				if !bytes.Equal(got, want) {
					t.Errorf("the file has %d bytes, want %d, or others", len(got), len(want))
				}
				if want := data[max(0, len(data)-Last):]; !bytes.Equal(s.Last(), want) {
					t.Errorf("Last: %q, want %q", s.Last(), want)
				}
			})
		}
	}
}

// ragged reads in pieces of odd sizes.
type ragged struct {
	r   io.Reader
	rnd *rand.Rand
}

func (r *ragged) Read(p []byte) (int, error) {
	return r.r.Read(p[:min(len(p), 1+r.rnd.IntN(5000))])
}

func TestStreamKeepsDraining(t *testing.T) {
	broken := errors.New("broken")
	for name, open := range map[string]func() (*os.File, error){
		"no file":      func() (*os.File, error) { return nil, broken },
		"not writable": func() (*os.File, error) { return os.Open(os.DevNull) },
	} {
		s := New(open, 1<<20)
		if err := s.Copy(iotest.OneByteReader(bytes.NewReader(pattern(3 * Tail)))); err != nil {
			t.Fatal(err)
		}
		written, kept, err := s.Close()
		if written != 3*Tail || kept != 0 || err == nil {
			t.Errorf("%s: Close: %d, %d, %v, want %d, 0 and an error", name, written, kept, err, 3*Tail)
		}
	}
	if err := New(nil, 1).Copy(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("Copy: %v, want %v", err, broken)
	}
}
