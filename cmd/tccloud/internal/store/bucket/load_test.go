package bucket_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// TestLoad: all that is there is read, or it is an error: who took a part for all would refuse servers and
// users that exist.
func TestLoad(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	kv, err := s.KV(t.Context(), "things", store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const most = 1000 // more than the client holds in memory while nobody reads on
	for i := range most {
		if _, err := s.JS().PublishAsync("$KV.things."+fmt.Sprint("k", i), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	<-s.JS().PublishAsyncComplete()
	n := 0
	if err := bucket.Load(t.Context(), kv, func(jetstream.KeyValueEntry) { n++ }); n != most || err != nil {
		t.Errorf("got %d of %d entries, %v", n, most, err)
	}
	n = 0
	err = bucket.Load(t.Context(), kv, func(jetstream.KeyValueEntry) {
		if n++; n == 1 {
			s.Conn().Close()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "the connection to the store was closed before all of it was read") {
		t.Errorf("got %d of %d entries, %v", n, most, err)
	}
}
