package gatewaytest

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// External runs a NATS server of its own, as an operator's cluster would be.
func External(t testing.TB) string {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(Timeout) {
		t.Fatal("external server did not start")
	}
	return ns.ClientURL()
}
