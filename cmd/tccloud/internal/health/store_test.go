package health_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestStore: an embedded store is well, and a NATS that answers and takes no writes is not.
func TestStore(t *testing.T) {
	own, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if f := health.Store(own).Look(t.Context()); f != (health.Finding{State: health.OK, Text: "writes are durable"}) {
		t.Errorf("got %+v", f)
	}
	full, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, JetStreamMaxStore: 1, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	full.Start()
	defer func() { full.Shutdown(); full.WaitForShutdown() }()
	theirs, err := store.Open(t.Context(), store.Config{URLs: []string{full.ClientURL()}})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	f := health.Store(theirs).Look(t.Context())
	if f.State != health.Failed || !strings.HasPrefix(f.Text, "NATS takes no writes: ") || f.Try != "start the NATS nodes that are away (more than half must run); the cloud goes on by itself" {
		t.Errorf("got %+v", f)
	}
}
