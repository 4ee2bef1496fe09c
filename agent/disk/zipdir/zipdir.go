package zipdir

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge means that the directory is larger than allowed.
var ErrTooLarge = errors.New("its directory is too large")

// Open reads the directory, of at most limit bytes, of the ZIP file in r. Like zip.NewReader it may
// return a reader together with zip.ErrInsecurePath.
func Open(r io.ReaderAt, size, limit int64) (*zip.Reader, error) {
	bounded := &budget{ReaderAt: r, left: limit}
	z, err := zip.NewReader(bounded, size)
	if bounded.left < 0 {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, limit)
	}
	bounded.off = true
	return z, err
}

// budget is a reader of at most left bytes, until it is off.
type budget struct {
	io.ReaderAt
	left int64
	off  bool
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if !b.off {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, ErrTooLarge
		}
	}
	return b.ReaderAt.ReadAt(p, off)
}
