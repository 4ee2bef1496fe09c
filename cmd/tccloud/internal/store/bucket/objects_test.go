package bucket_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// overload starts a NATS that takes in little at a time, as any does whose disk is slower than what
// comes, and returns a store over it.
func overload(t *testing.T) *store.Store {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		SyncAlways: true, StreamMaxBufferedMsgs: 1000, StreamMaxBufferedSize: 600 << 10, MaxPayload: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("NATS does not get ready")
	}
	s, err := store.Open(t.Context(), store.Config{URLs: []string{ns.ClientURL()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// embedded opens a store in this process and a bucket of objects in it.
func embedded(t *testing.T) (*store.Store, *bucket.Objects) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o, err := s.Objects(t.Context(), "objects")
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

// stream is the one that holds the objects.
func stream(t *testing.T, s *store.Store) jetstream.Stream {
	t.Helper()
	st, err := s.JS().Stream(t.Context(), bucket.ObjectsPrefix+"objects")
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBusyServer: NATS drops what comes faster than it stores it. Writers of all kinds outlast
// that, many at once, and what they wrote is there.
func TestBusyServer(t *testing.T) {
	s := overload(t)
	objects, err := s.Objects(t.Context(), "objects")
	if err != nil {
		t.Fatal(err)
	}
	kv, err := s.KV(t.Context(), "values", store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log, err := s.Stream(t.Context(), jetstream.StreamConfig{Name: "LOG", Subjects: []string{"log"}})
	if err != nil {
		t.Fatal(err)
	}
	// The library alone does not: this server is busy indeed.
	alone, err := s.JS().CreateOrUpdateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "alone"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.PutBytes(t.Context(), "x", random(t, 64<<20)); !bucket.Busy(err) {
		t.Fatalf("got %v from a server that should be busy", err)
	}

	const writers, size = 4, 3<<20 + 1
	content, value := random(t, size), random(t, 200<<10)
	var all errgroup.Group
	for i := range writers {
		all.Go(func() error { return objects.PutBytes(t.Context(), fmt.Sprint(i), content) })
	}
	for i := range 10 * writers {
		all.Go(func() error { _, err := kv.Put(t.Context(), fmt.Sprint(i), value); return err })
		all.Go(func() error { _, err := s.JS().Publish(t.Context(), "log", value); return err })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range writers {
		if got, err := objects.GetBytes(t.Context(), fmt.Sprint(i)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("object %d: got %d bytes, %v", i, len(got), err)
		}
	}
	for i := range 10 * writers {
		if e, err := kv.Get(t.Context(), fmt.Sprint(i)); err != nil || !bytes.Equal(e.Value(), value) {
			t.Errorf("value %d: %v", i, err)
		}
	}
	if info, err := log.Info(t.Context()); err != nil || info.State.Msgs != 10*writers {
		t.Errorf("got %+v, %v, want %d messages", info, err, 10*writers)
	}
}

// TestObjects: sizes around a chunk's, replacing, removing, and readers that nothing is left for.
// NATS's own client reads what we write.
func TestObjects(t *testing.T) {
	s, o := embedded(t)
	library, err := s.JS().ObjectStore(t.Context(), "objects")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, bucket.ChunkSize - 1, bucket.ChunkSize, bucket.ChunkSize + 1, 3*bucket.ChunkSize + 7} {
		data := random(t, size)
		if err := o.PutBytes(t.Context(), "same", data); err != nil {
			t.Fatal(err)
		}
		if got, err := o.GetBytes(t.Context(), "same"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if got, err := library.GetBytes(t.Context(), "same"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: NATS's own client got %d, %v", size, len(got), err)
		}
	}
	one, err := o.Get(t.Context(), "same")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(one, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	// A source that breaks off leaves the old object, and no garbage.
	broken := io.MultiReader(bytes.NewReader(random(t, 2*bucket.ChunkSize)), iotest.ErrReader(io.ErrClosedPipe))
	if err := o.Put(t.Context(), jetstream.ObjectMeta{Name: "same"}, broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if info, err := stream(t, s).Info(t.Context()); err != nil || info.State.Msgs != 1+4 {
		t.Errorf("%+v is left, %v, want 5 messages", info, err)
	}
	if err := o.PutBytes(t.Context(), "same", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, one); err == nil || !strings.Contains(err.Error(), `reading object "same": it was removed or replaced meanwhile`) {
		t.Errorf("reading what was replaced: got %v", err)
	}
	if err := o.Delete(t.Context(), "same"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Get(t.Context(), "same"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := o.List(t.Context()); !errors.Is(err, jetstream.ErrNoObjectsFound) {
		t.Errorf("got %v", err)
	}
}

// TestDamagedObject: its end does not come.
func TestDamagedObject(t *testing.T) {
	s, o := embedded(t)
	for what, m := range map[string]string{"shorter": "abc", "longer": "abcdefg", "changed": "abcdex"} {
		if err := o.PutBytes(t.Context(), "x", []byte("abcdef")); err != nil {
			t.Fatal(err)
		}
		info, err := o.GetInfo(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		chunks := "$O.objects.C." + info.NUID
		if err := stream(t, s).Purge(t.Context(), jetstream.WithPurgeSubject(chunks)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.JS().Publish(t.Context(), chunks, []byte(m)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if got, err := o.GetBytes(ctx, "x"); err == nil {
			t.Errorf("%s: got %q", what, got)
		}
		cancel()
	}
}

// TestPutsOfOneName: of contents that are written at the same time one stays, and nothing of the
// others: nobody would ever find their chunks again.
func TestPutsOfOneName(t *testing.T) {
	s, o := embedded(t)
	var g errgroup.Group
	for range 8 {
		data := random(t, 2*bucket.ChunkSize)
		g.Go(func() error { return o.PutBytes(t.Context(), "name", data) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, err := o.GetBytes(t.Context(), "name"); err != nil || len(got) != 2*bucket.ChunkSize {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	info, err := stream(t, s).Info(t.Context())
	if err != nil || info.State.Msgs != 3 {
		t.Errorf("the stream has %d messages (%v), want two chunks and an entry", info.State.Msgs, err)
	}
}

// TestListWhileTheLastGoes: List ends although the only object goes while it is listed. NATS's own
// waits for the end of entries of which none is left.
func TestListWhileTheLastGoes(t *testing.T) {
	t.Parallel()
	s, o := embedded(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream, err := s.JS().Stream(ctx, bucket.ObjectsPrefix+"objects")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := o.PutBytes(ctx, "x", nil); err != nil {
			t.Fatal(err)
		}
		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				_, err := o.List(ctx)
				if errors.Is(err, jetstream.ErrNoObjectsFound) {
					return nil
				}
				return err
			})
		}
		if err := errors.Join(stream.Purge(ctx), g.Wait()); err != nil {
			t.Fatal(err)
		}
	}
}

// What is removed because it is old stays if it was stored again since.
func TestDeleteBefore(t *testing.T) {
	s, o := embedded(t)
	if err := o.PutBytes(t.Context(), "x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	old, err := o.GetInfo(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	seen := old.ModTime.Add(time.Nanosecond)
	if err := o.PutBytes(t.Context(), "x", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := o.DeleteBefore(t.Context(), "x", seen); err != nil {
		t.Fatal(err)
	}
	if got, err := o.GetBytes(t.Context(), "x"); string(got) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := o.DeleteBefore(t.Context(), "x", time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.GetInfo(t.Context(), "x"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("got %v", err)
	}
	if err := o.DeleteBefore(t.Context(), "x", time.Now()); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("a second time: got %v", err)
	}
	if info, err := stream(t, s).Info(t.Context()); err != nil || info.State.Msgs != 0 {
		t.Errorf("%+v is left, %v", info, err)
	}
}
