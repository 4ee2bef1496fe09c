package upload_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
)

// TestBegunFilesCount: many files that are begun small do not grow beyond what all of an attempt
// may have, neither at the same time nor after each other.
func TestBegunFilesCount(t *testing.T) {
	s := open(t)
	ref := wire.Ref{Order: "o", Attempt: 1}
	whole := upload.Whole{Size: upload.MaxFile, SHA256: wire.SHA256(strings.Repeat("0", 64))}
	file := func(i int) upload.File { return upload.File{Ref: ref, Name: fmt.Sprint(i)} }
	put := func(i int, offset int64, body io.Reader) error {
		_, err := s.Put(t.Context(), file(i), offset, whole, body, func() {})
		return err
	}
	const most = upload.MaxTotal / upload.MaxFile
	for i := range most + 1 { // nothing is said against so many beginnings
		if err := put(i, 0, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	var ends []func()
	var all sync.WaitGroup
	for i := range most - 1 { // these are at work now
		r, w := io.Pipe()
		all.Go(func() { _ = r.CloseWithError(put(i, 1, r)) })
		if _, err := w.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, func() { _ = w.Close() })
	}
	if err := put(most, 1, strings.NewReader("y")); !errors.Is(err, upload.ErrLimit) {
		t.Errorf("beside %d at work: %v", most-1, err)
	}
	for _, end := range ends {
		end()
	}
	all.Wait()
	for i := range most {
		if err := os.Truncate(s.Part(file(i)), upload.MaxFile-1); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(most, 1, strings.NewReader("y")); !errors.Is(err, upload.ErrLimit) {
		t.Errorf("after %d: %v", most, err)
	}
}
