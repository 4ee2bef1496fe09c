package inventory

import (
	"log/slog"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/embedded"
)

// TestStreamGoes: a check ends with an error when a stream goes while it is read, as all do when
// JetStream switches itself off.
func TestStreamGoes(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	server, err := embedded.Open(t.Context(), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	conn, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.*"}, Storage: jetstream.MemoryStorage,
	}); err != nil {
		t.Fatal(err)
	}
	for n := range 1001 { // more than are read at once
		if _, err := js.Publish(t.Context(), "s."+strconv.Itoa(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	gone := false
	_, err = New(server, js, 0, log).unreadable(t.Context(), "S", "s.*", func(jetstream.Msg) {
		if !gone {
			gone = true
			if err := js.DeleteStream(t.Context(), "S"); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil {
		t.Error("a stream that went was read to its end")
	}
}
