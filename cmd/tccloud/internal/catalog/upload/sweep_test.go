package upload_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
)

// TestSweep: the oldest files of what has ended go where all are too much.
func TestSweep(t *testing.T) {
	s := open(t)
	data := bytes.Repeat([]byte("x"), 1<<20)
	sum := sha256.Sum256(data)
	whole := upload.Whole{Size: int64(len(data)), SHA256: wire.SHA256(hex.EncodeToString(sum[:]))}
	var files []upload.File
	for i := range 5 {
		f := upload.File{Ref: wire.Ref{Order: wire.OrderID(fmt.Sprintf("01a2268c-d0bf-7958-a99d-a1312e16422%d", i)), Attempt: 2}, Name: "dir/a.b"}
		if _, err := s.Put(t.Context(), f, 0, whole, bytes.NewReader(data), func() {}); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	runs := files[0].Ref
	if err := s.Sweep(t.Context(), time.Hour, 3<<20, func(r wire.Ref) bool { return r != runs }); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false, true, true} {
		r, _, err := s.Get(t.Context(), files[i])
		if err == nil {
			_ = r.Close()
		}
		if (err == nil) != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("file %d: %v, want it kept: %t", i, err, want)
		}
	}
}
