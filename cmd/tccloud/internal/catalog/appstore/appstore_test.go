package appstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// executions is what the dispatcher knows.
type executions map[wire.OrderID]dispatch.Execution

func (x executions) Get(_ context.Context, id wire.OrderID) (dispatch.Execution, error) {
	e, ok := x[id]
	if !ok {
		return e, dispatch.ErrNotFound
	}
	return e, nil
}

func (x executions) Params(_ context.Context, id wire.OrderID, _ wire.Attempt) (map[string]string, error) {
	if e := x[id]; e.Terminal() {
		return nil, dispatch.ErrNotFound
	}
	return map[string]string{"password": "&{TC:KEYCHAIN:id-1}"}, nil
}

func newStore(t *testing.T, x executions) *appstore.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	cfg := appstore.Config{Executions: x, JS: s.JS(), Store: s, Trim: s.Trim}
	for _, err := range []error{
		func() (err error) {
			cfg.Values, err = s.KV(t.Context(), appstore.ValuesBucket, store.KVOptions{})
			return
		}(),
		func() (err error) {
			cfg.Variables, err = s.KV(t.Context(), appstore.VariablesBucket, store.KVOptions{})
			return
		}(),
		func() (err error) { cfg.Large, err = s.Objects(t.Context(), appstore.LargeBucket); return }(),
		func() (err error) { _, err = s.Stream(t.Context(), appstore.LogConfig()); return }(),
		func() (err error) { cfg.Signer, err = apptoken.Open(filepath.Join(t.TempDir(), "key")); return }(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return appstore.New(cfg)
}

func TestTokens(t *testing.T) {
	x := executions{
		"run":  {ID: "run", Attempt: 2, State: wire.StateRunning, KVContext: "ctx"},
		"done": {ID: "done", Attempt: 1, State: wire.State(wire.Succeeded)},
	}
	s := newStore(t, x)
	token := func(id wire.OrderID, attempt wire.Attempt, ttl time.Duration) string {
		return s.Signer.Issue(id, attempt, ttl)
	}
	for name, tt := range map[string]struct {
		token       string
		use, renews bool
	}{
		"live":           {token("run", 2, time.Hour), true, true},
		"expired":        {token("run", 2, -time.Hour), false, true},
		"older attempt":  {token("run", 1, time.Hour), false, false},
		"ended":          {token("done", 1, time.Hour), false, false},
		"ended, expired": {token("done", 1, -time.Hour), false, false},
		"unknown order":  {token("none", 1, time.Hour), false, false},
		"rubbish":        {"APP:1:1:run:x", false, false},
	} {
		session, err := s.Session(t.Context(), tt.token)
		if (err == nil) != tt.use || (err != nil && !errors.Is(err, api.ErrToken)) {
			t.Errorf("%s: got %v, want use %v", name, err, tt.use)
		}
		if err == nil && session.Context != "ctx" {
			t.Errorf("%s: got context %q", name, session.Context)
		}
		fresh, expires, err := s.Renew(t.Context(), tt.token)
		if (err == nil) != tt.renews {
			t.Errorf("%s: got %v, want renewal %v", name, err, tt.renews)
		}
		if err == nil {
			if _, err := s.Session(t.Context(), fresh); err != nil || time.Until(expires) < time.Hour {
				t.Errorf("%s: the fresh token until %v: %v", name, expires, err)
			}
		}
	}
}

func TestValues(t *testing.T) {
	s := newStore(t, nil)
	name := "#App:1:" + strings.Repeat("long.", 200) + "[0]!StringArray"
	if _, err := s.Get(t.Context(), "ctx", name); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("unset: got %v", err)
	}
	for _, want := range [][]byte{{}, []byte(`"abc"`), bytes.Repeat([]byte("x"), 3<<20), []byte("null")} {
		if err := s.Put(t.Context(), "ctx", name, want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), "ctx", name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
		}
		if _, err := s.Get(t.Context(), "other", name); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("another context: got %v", err)
		}
	}
	if err := s.Sweep(t.Context(), nil); err != nil {
		t.Error(err)
	}
	keys, err := s.Values.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %q, %v", keys, err)
	}
	for _, damaged := range []string{"", "xrest"} {
		if _, err := s.Values.Put(t.Context(), keys[0], []byte(damaged)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "ctx", name); err == nil || err.Error() != "reading a Playbook variable: the stored value is damaged" {
			t.Errorf("stored %q: got %v", damaged, err)
		}
	}
}

// TestValuesBound: the oldest values go where all are too much, but for those in use.
func TestValuesBound(t *testing.T) {
	s := newStore(t, nil)
	for i := range 20 {
		for _, size := range []int{50_000, 600_000} {
			if err := s.Put(t.Context(), fmt.Sprint("ctx", i), fmt.Sprint("v", size), bytes.Repeat([]byte("x"), size)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Bytes = 2 * 4_000_000
	if err := s.Sweep(t.Context(), []string{"ctx0"}); err != nil {
		t.Fatal(err)
	}
	for ctx, want := range map[string]bool{"ctx0": true, "ctx1": false, "ctx19": true} {
		if _, err := s.Get(t.Context(), ctx, "v600000"); (err == nil) != want {
			t.Errorf("the large value of %s: %v, want it kept: %t", ctx, err, want)
		}
		if _, err := s.Get(t.Context(), ctx, "v50000"); err != nil { // all of these fit
			t.Errorf("the value of %s: %v", ctx, err)
		}
	}
}

func TestVariables(t *testing.T) {
	s := newStore(t, executions{"run": {ID: "run", Attempt: 1, State: wire.StateRunning}})
	session, err := s.Session(t.Context(), s.Signer.Issue("run", 1, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"id-1", "id-2"} {
		if err := s.SetVariable(t.Context(), "TC", id, "secret of "+id); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Variable(t.Context(), session, "TC", "id-1"); err != nil || got != "secret of id-1" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range [][2]string{{"TC", "id-2"}, {"Vault", "id-1"}, {"TC", ".*"}, {"x", "id-1"}, {"TC", ""}} {
		if got, err := s.Variable(t.Context(), session, bad[0], bad[1]); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("%v, which no parameter mentions: got %q, %v", bad, got, err)
		}
	}
	if err := s.SetVariable(t.Context(), "TC", "a.b", ""); !errors.Is(err, api.ErrVariable) {
		t.Errorf("got %v", err)
	}
	if err := s.DeleteVariable(t.Context(), "TC", "id-2"); err != nil {
		t.Error(err)
	}
	if list, err := s.ListVariables(t.Context()); err != nil || len(list) != 1 || list[0].ID != "id-1" {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestLogs(t *testing.T) {
	s := newStore(t, executions{"run": {ID: "run", Attempt: 1, State: wire.StateRunning}})
	session, err := s.Session(t.Context(), s.Signer.Issue("run", 1, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if log, err := s.Log(t.Context(), "run"); err != nil || len(log) != 0 {
		t.Errorf("before: got %v, %v", log, err)
	}
	batch := make([]api.LogEntry, 300)
	for i := range batch {
		batch[i] = api.LogEntry{TimestampMS: int64(i), Level: "INFO", Message: strings.Repeat("é\x01", 2000)}
	}
	batch[7].Message = strings.Repeat("€", 1<<20)
	if err := s.AppendLog(t.Context(), session, batch); err != nil {
		t.Fatal(err)
	}
	log, err := s.Log(t.Context(), "run")
	if err != nil || len(log) != len(batch) {
		t.Fatalf("got %d entries, %v, want %d", len(log), err, len(batch))
	}
	if log[299].TimestampMS != 299 || len(log[7].Message) > 100_000 || log[8].Message != batch[8].Message {
		t.Error("entries are out of order, too long or changed")
	}
}
