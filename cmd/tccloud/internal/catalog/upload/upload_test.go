package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
	"testing/iotest"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// open returns a store of files in an embedded store.
func open(t *testing.T) *upload.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	objects, err := st.Objects(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	s, err := upload.Open(t.TempDir(), objects)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goodbye ends its request with its last byte.
type goodbye struct {
	io.Reader
	leave func()
}

func (g goodbye) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err == io.EOF {
		g.leave()
	}
	return n, err
}

// TestAgentThatLeaves: a file whose last byte has come is stored, whether or not somebody waits for
// the answer.
func TestAgentThatLeaves(t *testing.T) {
	s := open(t)
	data := bytes.Repeat([]byte("x"), 3<<20)
	sum := sha256.Sum256(data)
	f := upload.File{Ref: wire.Ref{Order: "01a2268c-d0bf-7958-a99d-a1312e164224", Attempt: 1}, Name: "a"}
	whole := upload.Whole{Size: int64(len(data)), SHA256: wire.SHA256(hex.EncodeToString(sum[:]))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// All is read at the byte before EOF: the request ends while the file is stored.
	body := goodbye{iotest.DataErrReader(bytes.NewReader(data)), cancel}
	if _, err := s.Put(ctx, f, 0, whole, body, func() {}); err != nil {
		t.Error(err)
	}
	r, got, err := s.Get(t.Context(), f)
	if err != nil || got != whole {
		t.Fatalf("got %+v, %v, want %+v", got, err, whole)
	}
	defer r.Close()
	if content, err := io.ReadAll(r); err != nil || !bytes.Equal(content, data) {
		t.Errorf("got %d bytes, %v", len(content), err)
	}
}
