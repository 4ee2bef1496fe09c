package rootfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// ErrUnsafe says that somebody besides root could have written the file.
var ErrUnsafe = errors.New("somebody besides root could have written it")

// Rest is how long a file must not have changed before it is believed. Reading waits for
// that, up to Patience.
const (
	Rest     = 100 * time.Millisecond
	Patience = 20 * Pause
	Pause    = Rest / 2 // between two looks
)

// Folders says whether somebody besides root could take the file away, or put one there: it looks at
// the folders above it. The file need not exist.
func Folders(path string) error { return folders(path) }

// Read returns the file's content, at most one byte more than limit. The path is absolute. known is what was
// read before: the same is returned without waiting. An error that wraps [fs.ErrNotExist] says that there
// is no file, not even one that is unsafe.
func Read(path string, limit int64, known []byte) ([]byte, error) {
	for range int(Patience / Pause) {
		text, changed, err := once(path, limit)
		if err != nil {
			return nil, err
		}
		// A file from the future comes from a clock that was wrong: it rests as well.
		if age := time.Since(changed); !changed.IsZero() &&
			(age < -Rest || age > Rest || known != nil && bytes.Equal(text, known)) {
			return text, nil
		}
		time.Sleep(Pause)
	}
	return nil, fmt.Errorf("%q is being written all the time: write another file and rename it with mv", path)
}

// once returns the content and when it was changed, which is zero if that was meanwhile.
func once(path string, limit int64) (text []byte, changed time.Time, err error) {
	file, err := open(path)
	if err != nil {
		return nil, changed, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, changed, err
	}
	text, err = io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, changed, err
	}
	after, err := file.Stat()
	if err != nil {
		return nil, changed, err
	}
	if same(before, after) && (after.Size() == int64(len(text)) || int64(len(text)) > limit) {
		changed = after.ModTime()
	}
	return text, changed, nil
}

func same(a, b fs.FileInfo) bool { return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) }
