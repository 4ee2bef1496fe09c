package ledger

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
)

var (
	manyEnded  = flag.Int("ended", 3000, "TestLarge: so many executions that have ended")
	manyQueued = flag.Int("queued", 300, "TestLarge: so many queued ones")
)

// TestLarge measures a start and lists with many executions; package archive has its figures for a
// million, by
//
//	go test ./cmd/tccloud/internal/dispatch/ledger -run TestLarge -v -ended 1000000 -queued 50000
func TestLarge(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	l, stop := running(t, s, "", time.Hour)
	const days = 40
	oldest := time.Now().Add(-days * 24 * time.Hour)
	for i := 0; i < *manyEnded; {
		var some []*record.Record
		for ; len(some) < mostMoved && i < *manyEnded; i++ {
			some = append(some, sample(i, oldest.Add(days*24*time.Hour/time.Duration(*manyEnded)*time.Duration(i))))
		}
		if err := l.archive.Add(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	for i := range *manyQueued {
		r := sample(*manyEnded+i, time.Now())
		r.Result, r.State, r.Ended = nil, wire.StateQueued, time.Time{}
		data, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Conn().Request("$KV."+bucketName+"."+string(r.ID), data, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d ended and %d queued ones made in %s, %d MB", *manyEnded, *manyQueued, time.Since(began), l.archive.Bytes()>>20)
	stop()
	s.Close()

	before := heap()
	began = time.Now()
	if s, err = store.Open(t.Context(), store.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	opened := time.Since(began)
	l, _ = running(t, s, "", time.Hour)
	t.Logf("started in %s, of which the store %s; heap %d MB", time.Since(began), opened, (heap()-before)>>20)
	for name, f := range map[string]record.Filter{
		"all": {}, "an Environment": {Environment: "env3"}, "failed ones": {State: wire.State(wire.Failed)},
		"a text": {Text: "message of 4711 "}, "of last week": {Until: time.Now().Add(-7 * 24 * time.Hour)},
	} {
		began := time.Now()
		p, err := l.List(t.Context(), &f, record.Place{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		first := time.Since(began)
		pages := 1
		for f.Text != "" && !p.Rest.IsZero() {
			if p, err = l.List(t.Context(), &f, p.Rest, 100); err != nil {
				t.Fatal(err)
			}
			pages++
		}
		t.Logf("%s: first page of %d after %s, %d pages after %s", name, len(p.Found), first, pages, time.Since(began))
	}
	began = time.Now()
	f := l.Figures("env3", time.Now())
	t.Logf("figures %+v after %s", f, time.Since(began))
	id := sample(*manyEnded/2, time.Time{}).ID
	began = time.Now()
	if _, err := l.Get(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	t.Logf("one by its id after %s; heap %d MB", time.Since(began), (heap()-before)>>20)
	if want := min(*manyEnded, 100); f.Month == 0 && want > 0 {
		t.Errorf("figures are %+v", f)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// sample is an execution as an App with a result leaves it.
func sample(i int, created time.Time) *record.Record {
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)).String()
	at := record.Stamp(created)
	r := &record.Record{Execution: record.Execution{
		ID: wire.OrderID(id), Environment: fmt.Sprint("env", i%20), Created: at, Queued: at, Delivered: at, Accepted: at, Started: at,
		App:        wire.AppRef{Name: fmt.Sprint("TCPB_-_App_", i%50), Version: "1.0.0", Size: 1 << 20, SHA256: wire.SHA256(strings.Repeat("0123456789abcdef", 4))},
		ParamNames: []string{"tc_log_level", "url", "user"}, Timeout: time.Hour, StartWithin: 24 * time.Hour, Priority: 5,
		Server: wire.ServerXID(uuid.NewSHA1(uuid.Nil, fmt.Append(nil, "server", i%100)).String()), Epoch: int64(i), Journal: id, Attempt: 1,
	}}
	outcome := wire.Succeeded
	if i%50 == 0 {
		outcome = wire.Failed
	}
	r.Result = &wire.Result{
		Ref: r.Ref(), Outcome: outcome, Message: fmt.Sprintf("the message of %d is this", i), PrepareUS: int64(i), RunMS: int64(i),
		Output: map[wire.Stream]wire.OutputSize{wire.Stdout: {Kept: int64(i)}},
	}
	r.End(outcome, "", at.Add(time.Minute))
	return r
}
