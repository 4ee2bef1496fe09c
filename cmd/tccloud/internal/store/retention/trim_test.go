package retention_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// TestTrim: the oldest that may go do, down to the bound; the rest stays; and a store that is
// opened again does not take it for a loss.
func TestTrim(t *testing.T) {
	cfg := store.Config{Dir: filepath.Join(t.TempDir(), "store")}
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := s.KV(t.Context(), "values", store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 700
	for i := range n {
		if _, err := kv.Put(t.Context(), fmt.Sprintf("k%03d", i), []byte(strings.Repeat("x", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Delete(t.Context(), "k699"); err != nil {
		t.Fatal(err)
	}
	keep := func(key string, _ []byte) bool { return key != "k005" }
	if gone, err := s.Trim(t.Context(), "values", retention.Bound{Bytes: 1 << 30, Age: time.Hour}, keep); gone != 0 || err != nil {
		t.Errorf("below every bound %d were removed, %v", gone, err)
	}
	gone, err := s.Trim(t.Context(), "values", retention.Bound{Bytes: 100_000}, keep)
	if err != nil || gone < 600 || gone > 630 {
		t.Errorf("%d were removed, %v", gone, err)
	}
	st, err := s.JS().Stream(t.Context(), "KV_values")
	if err != nil {
		t.Fatal(err)
	}
	if b := st.CachedInfo().State.Bytes; b > 100_000 || b < 80_000 {
		t.Errorf("%d bytes are left", b)
	}
	for key, want := range map[string]error{"k000": jetstream.ErrKeyNotFound, "k005": nil, "k500": jetstream.ErrKeyNotFound, "k698": nil} {
		if _, err := kv.Get(t.Context(), key); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	asKilled, err := os.ReadFile(cfg.Dir + ".json")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.WriteFile(cfg.Dir+".json", asKilled, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Marks of what was removed go by age.
	if _, err := s.Trim(t.Context(), "values", retention.Bound{Age: time.Nanosecond}, func(string, []byte) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if st, err = s.JS().Stream(t.Context(), "KV_values"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.GetLastMsgForSubject(t.Context(), "$KV.values.k699"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("the mark of a removed key: %v", err)
	}
}
