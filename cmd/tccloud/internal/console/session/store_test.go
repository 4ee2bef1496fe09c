package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/console/session"
	"tcenvsvr/cmd/tccloud/internal/store"
)

func open(t *testing.T) (*session.Store, jetstream.KeyValue) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	kv, err := st.KV(t.Context(), session.Bucket, store.KVOptions{TTL: session.Life})
	if err != nil {
		t.Fatal(err)
	}
	return session.NewStore(kv), kv
}

// revision is how often an entry was written.
func revision(t *testing.T, kv jetstream.KeyValue, key string) uint64 {
	t.Helper()
	e, err := kv.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return e.Revision()
}

func TestStore(t *testing.T) {
	s, kv := open(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	find := func(want string) {
		t.Helper()
		data, ok, err := s.FindCtx(ctx, "digest")
		if err != nil || ok != (want != "") || ok && string(data) != want {
			t.Errorf("got %q, %t, %v; want %q", data, ok, err, want)
		}
	}
	find("")
	until := time.Now().Add(time.Minute)
	must(s.CommitCtx(ctx, "digest", []byte("one"), until))
	find("one")

	written := revision(t, kv, "digest")
	must(s.CommitCtx(ctx, "digest", []byte("one"), until.Add(time.Second)))
	if got := revision(t, kv, "digest"); got != written {
		t.Errorf("a deadline that moves by a second was written")
	}
	must(s.CommitCtx(ctx, "digest", []byte("one"), until.Add(time.Hour)))
	if got := revision(t, kv, "digest"); got == written {
		t.Errorf("a deadline that moves by an hour was not written")
	}
	must(s.CommitCtx(ctx, "digest", []byte("two"), until))
	find("two")

	must(s.DeleteCtx(ctx, "digest"))
	find("")
	must(s.CommitCtx(ctx, "digest", []byte("two"), until)) // by a request that was under way
	find("")

	must(s.CommitCtx(ctx, "other", []byte("x"), time.Now().Add(-time.Second)))
	if _, ok, err := s.FindCtx(ctx, "other"); ok || err != nil {
		t.Errorf("a session whose time is over is there: %v", err)
	}
	_, err := kv.Put(ctx, "damaged", []byte("x"))
	must(err)
	if _, ok, err := s.FindCtx(ctx, "damaged"); ok || err != nil {
		t.Errorf("a damaged entry is a session: %v", err)
	}
}

// TestEndedForGood: requests that are under way while a user signs out do not bring the session back.
func TestEndedForGood(t *testing.T) {
	s, _ := open(t)
	m := scs.New()
	m.Store, m.HashTokenInStore, m.IdleTimeout = s, true, session.Idle
	ctx, err := m.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	m.Put(ctx, "user", "ann")
	token, _, err := m.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	user := func() string {
		ctx, err := m.Load(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return m.GetString(ctx, "user")
	}
	if got := user(); got != "ann" {
		t.Fatalf("the session is of %q", got)
	}
	var under sync.WaitGroup
	ready, ended := make(chan struct{}, 8), make(chan struct{})
	slow := m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "seen", time.Now().Unix())
		ready <- struct{}{}
		<-ended
	}))
	for range cap(ready) {
		under.Go(func() {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: m.Cookie.Name, Value: token})
			slow.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	for range cap(ready) {
		<-ready
	}
	out, err := m.Load(t.Context(), token)
	if err == nil {
		err = m.Destroy(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	close(ended)
	under.Wait()
	if got := user(); got != "" {
		t.Errorf("after signing out the session is of %q", got)
	}
}
