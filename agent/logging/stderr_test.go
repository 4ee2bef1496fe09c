package logging

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestWhoListensOnStderr(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer pipe.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	closed, err := os.Create(filepath.Join(t.TempDir(), "closed"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		wish   string
		stderr *os.File
		want   Mode
	}{
		"a pipe":                 {"auto", pipe, Stderr},
		"a file":                 {"auto", file, Stderr},
		"the null device":        {"auto", null, File},
		"nothing":                {"auto", closed, File},
		"a pipe, but a file":     {"file", pipe, File},
		"the null device wanted": {"stderr", null, Stderr},
	} {
		if got, err := Choose(c.wish, c.stderr); got != c.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := Choose("nowhere", pipe); err == nil || !strings.Contains(err.Error(), `"nowhere" is none of`) {
		t.Errorf("got %v, want an error that quotes the wish", err)
	}
}

// A reader that stands still, as the other end of a full pipe, stops nobody.
func TestAReaderThatStandsStillStopsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := newQueue(w)
	record := []byte(strings.Repeat("x", 200) + "\n")
	for range 3 * queueLength { // more than the pipe and the queue take
		_, _ = q.Write(record)
	}
	text := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(r)
		text <- all
	}()
	for lost := true; lost; runtime.Gosched() { // until one fits again
		_, _ = q.Write([]byte("msg=after\n"))
		q.mu.Lock()
		lost = q.lost > 0
		q.mu.Unlock()
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got := <-text
	if !bytes.Contains(got, []byte(`msg="log records were lost" count=`)) || !bytes.Contains(got, []byte("msg=after\n")) {
		t.Errorf("got %d bytes without the loss and what came after it", len(got))
	}
}

// A reader that is gone is no end either.
func TestAReaderThatIsGoneStopsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	log, _, closeLog := New(Config{Mode: Stderr, Stderr: w})
	log.Info("to nobody")
	if err := closeLog(); err != nil {
		t.Fatal(err)
	}
	log.Info("after the end")
}
