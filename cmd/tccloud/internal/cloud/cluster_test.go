package cloud_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/cloud"
)

// external is a NATS server of its own, as --nats names one.
func external(t *testing.T) string {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(timeout) {
		t.Fatal("the NATS server does not start")
	}
	return ns.ClientURL()
}

// beside makes the data folder of a cloud that works with the first one.
func beside(t *testing.T, first *running) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "pki"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pki/ca.pem", "apptoken.key", client.TokenFile} { // what they share
		if err := os.WriteFile(filepath.Join(dir, name), must(os.ReadFile(filepath.Join(first.dir, name)))(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Two clouds over one NATS are one: an order given to the first runs on a server of the second,
// whose App and agent use either API.
func TestTwoCloudsOneStore(t *testing.T) {
	url := external(t)
	onNATS := func(cfg *cloud.Config) { cfg.NATS = []string{url} }
	first := start(t, t.TempDir(), onNATS)
	second := start(t, beside(t, first), onNATS)

	must(first.CreateEnvironment(t.Context(), "lab", ""))(t)
	must(second.AddApp(t.Context(), bytes.NewReader(tcx(t, "App", "1.0.0", "Playbook")), nil, false))(t)
	data, xid, err := first.bundle(t.Context(), "lab", v1.NewBundle{})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	id.env["brokerHost"] = second.endpoint.Broker
	a := must(second.join(id))(t)
	run := must(first.Run(t.Context(), v1.NewExecution{Environment: "lab", App: "App", Params: map[string]string{"user": "x"}}))(t)
	order := next[*wire.Order](a)
	if order.Order != run.ID {
		t.Fatalf("got order %s, want %s", order.Order, run.ID)
	}
	for _, m := range []wire.Message{&wire.Accepted{Ref: order.Ref}, &wire.Progress{Ref: order.Ref, State: wire.StateRunning}} {
		if err := a.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: id.roots}}}
	for _, api := range []string{first.endpoint.URL, second.endpoint.URL} {
		if status, body := call(t, https, "GET", api+"/api/internal/playbooks/keyValue/x", "TC-Token "+order.Token, nil); status != 200 {
			t.Errorf("App at %s: got %d %q", api, status, body)
		}
		if status, body := call(t, https, "GET", api+"/api/internal/envsvr/apps/"+string(order.App.SHA256), "Bearer "+id.env["appDeliveryToken"], nil); status != 200 {
			t.Errorf("download from %s: got %d %q", api, status, body)
		}
	}
	if err := a.Write(&wire.Result{Ref: order.Ref, Outcome: wire.Succeeded}); err != nil {
		t.Fatal(err)
	}
	if end := must(first.Wait(t.Context(), run.ID, nil))(t); end.State != wire.State(wire.Succeeded) {
		t.Errorf("got %s", end.State)
	}
	if s := must(first.Server(t.Context(), xid))(t); s.Session == nil {
		t.Error("the first cloud does not see the second one's session")
	}
	must(first.RevokeServer(t.Context(), xid))(t)
	if e := next[*wire.Error](a); e.Code != wire.CodeRevoked {
		t.Errorf("got %q", e.Code)
	}
}
