package artifact_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// records loses the write that would name what was stored, as a kill does at that moment.
type records struct {
	jetstream.KeyValue
	killed bool
}

var errKilled = errors.New("killed")

func (r *records) Update(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	if r.killed {
		return 0, errKilled
	}
	return r.KeyValue.Update(ctx, key, value, last)
}

// rig is a store of artifacts that can be opened again.
type rig struct {
	*artifact.Store
	t       *testing.T
	cfg     artifact.Config
	records *records
	content *bucket.Objects
	later   time.Duration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	kv, err1 := st.KV(t.Context(), artifact.RecordsBucket, store.KVOptions{})
	content, err2 := st.Objects(t.Context(), artifact.ContentBucket)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, records: &records{KeyValue: kv}, content: content}
	r.cfg = artifact.Config{
		Records: r.records, Content: content, Dir: filepath.Join(t.TempDir(), "spool"),
		Now: func() time.Time { return time.Now().Add(r.later) },
	}
	r.open()
	return r
}

// open is a start of the cloud.
func (r *rig) open() {
	r.t.Helper()
	var err error
	if r.Store, err = artifact.Open(r.cfg); err != nil {
		r.t.Fatal(err)
	}
	r.records.killed = false
}

func (r *rig) create(ref wire.Ref) artifact.Artifact {
	r.t.Helper()
	a, err := r.Create(r.t.Context(), ref, artifact.Artifact{Kind: artifact.Batch, State: artifact.Created})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *rig) upload(ref wire.Ref, id int, text string) error {
	r.t.Helper()
	p, err := r.Spool()
	if err != nil {
		r.t.Fatal(err)
	}
	defer p.Close()
	if _, err := io.WriteString(p, text); err != nil {
		r.t.Fatal(err)
	}
	_, err = r.Complete(r.t.Context(), ref, id, p, batch.Report{})
	return err
}

// sweep sweeps as the cloud does, after so much time.
func (r *rig) sweep(later time.Duration, ended ...wire.OrderID) {
	r.t.Helper()
	r.later = later
	keep := func(context.Context, string, retention.Bound, func(string, []byte) bool) (int, error) { return 0, nil }
	if err := r.Sweep(r.t.Context(), func(id wire.OrderID) bool { return slices.Contains(ended, id) }, keep); err != nil {
		r.t.Fatal(err)
	}
}

// objects are the names of what is stored.
func (r *rig) objects() []string {
	r.t.Helper()
	list, err := r.content.List(r.t.Context())
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		r.t.Fatal(err)
	}
	var names []string
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names
}

func (r *rig) want(what string, n int) {
	r.t.Helper()
	if got := r.objects(); len(got) != n {
		r.t.Errorf("%s: there is %q, want %d objects", what, got, n)
	}
}

var first = wire.Ref{Order: "first", Attempt: 1}

// TestKilledBeforeTheRecord: a cloud that is killed when a batch's content is stored and its record is
// not has taken nothing. The App uploads it again, and the content that nobody names goes after an hour.
func TestKilledBeforeTheRecord(t *testing.T) {
	r := newRig(t)
	a := r.create(first)
	r.records.killed = true
	if err := r.upload(first, a.ID, "content"); !errors.Is(err, errKilled) {
		t.Fatalf("got %v", err)
	}
	left, err := r.Spool() // another one was being received
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(left, "half")
	r.open()
	if files, _ := os.ReadDir(r.cfg.Dir); len(files) != 0 {
		t.Errorf("%d files of uploads that broke off are left", len(files))
	}
	if got, err := r.Get(t.Context(), first.Order, a.ID); err != nil || got.State != artifact.Created || got.SHA256 != "" {
		t.Errorf("the batch is %+v, %v", got, err)
	}
	if _, _, err := r.Content(t.Context(), first.Order, a.ID); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("content that was not taken: %v", err)
	}
	r.want("after the kill", 1)
	r.sweep(30 * time.Minute)
	r.want("half an hour later it may still be named", 1)

	if err := r.upload(first, a.ID, "content"); err != nil {
		t.Fatal(err)
	}
	if err := r.upload(first, a.ID, "content"); err != nil { // the App did not hear of it
		t.Errorf("the same again: %v", err)
	}
	if err := r.upload(first, a.ID, "other"); !errors.Is(err, artifact.ErrCompleted) {
		t.Errorf("another content: %v", err)
	}
	r.want("before it is swept", 2)
	trusted := false
	r.cfg.Trusted = func() bool { return trusted }
	r.open()
	r.sweep(2 * time.Hour)
	r.want("by a clock that nobody trusts", 2)
	trusted = true
	for range 2 {
		r.sweep(2 * time.Hour)
		r.want("what is named stays", 1)
	}
	content, _, err := r.Content(t.Context(), first.Order, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if text, err := io.ReadAll(content); string(text) != "content" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestSweepWithoutRecord: the record is gone, or was never there; its content goes, too.
func TestSweepWithoutRecord(t *testing.T) {
	r := newRig(t)
	a := r.create(first)
	if err := r.upload(first, a.ID, "content"); err != nil {
		t.Fatal(err)
	}
	r.sweep(2 * time.Hour) // it is seen to be named
	r.want("named", 1)
	for _, name := range []string{"nothing", "odd.1000001.x", "first.7.y", "first.x.y"} {
		if err := r.content.Put(t.Context(), jetstream.ObjectMeta{Name: name}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	r.sweep(2 * time.Hour)
	if got := r.objects(); len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprintf("first.%d.", a.ID)) {
		t.Errorf("there is %q", got)
	}
	r.sweep(artifact.Life + time.Hour)
	r.want("after its life", 0)
	if _, _, err := r.Content(t.Context(), first.Order, a.ID); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("content that was swept: %v", err)
	}
}

// TestSweepMakesRoom: the oldest content of executions that have ended goes first, and none of those that
// run. Its record stays, and says what there was.
func TestSweepMakesRoom(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("x", 100)
	var ids []int
	for _, order := range []wire.OrderID{"runs", "first", "second"} {
		ref := wire.Ref{Order: order, Attempt: 1}
		a := r.create(ref)
		if err := r.upload(ref, a.ID, text); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	r.cfg.Bytes = 1
	r.open()
	r.sweep(0)
	r.want("while all run", 3)
	r.cfg.Bytes = r.stored() * 2
	r.open()
	r.sweep(0, "first", "second")
	r.want("one is enough", 2)
	if _, _, err := r.Content(t.Context(), "first", ids[1]); !errors.Is(err, artifact.ErrNotFound) || !strings.Contains(fmt.Sprint(err), "to make room") {
		t.Errorf("content that was removed: %v", err)
	}
	if a, err := r.Get(t.Context(), "first", ids[1]); err != nil || a.State != artifact.Completed || a.Size != 100 {
		t.Errorf("its record is %+v, %v", a, err)
	}
	r.cfg.Bytes = 1
	r.open()
	r.sweep(0, "first", "second")
	if got := r.objects(); len(got) != 1 || !strings.HasPrefix(got[0], "runs.") {
		t.Errorf("there is %q", got)
	}
}

// stored is what one of the objects needs.
func (r *rig) stored() int64 {
	r.t.Helper()
	list, err := r.content.List(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return int64(list[0].Size)
}
