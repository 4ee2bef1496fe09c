package cloud_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/cloud"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

const secretFile = "cluster.secret"

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

// beside makes the data folder of a gateway of the first one's cloud: it is given the cluster
// secret.
func beside(t *testing.T, first *running) string {
	t.Helper()
	dir := t.TempDir()
	secret := must(os.ReadFile(filepath.Join(first.dir, secretFile)))(t)
	if err := os.WriteFile(filepath.Join(dir, secretFile), secret, 0o600); err != nil {
		t.Fatal(err)
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
	for end := time.Now().Add(timeout); ; time.Sleep(20 * time.Millisecond) { // each names both brokers, its own first
		want := [2]string{first.endpoint.Broker + "," + second.endpoint.Broker, second.endpoint.Broker + "," + first.endpoint.Broker}
		got := [2]string{must(first.Status(t.Context()))(t).BrokerHost, must(second.Status(t.Context()))(t).BrokerHost}
		if got == want {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the brokers are %q, want %q", got, want)
		}
	}
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
	made := must(first.ImportReleases(t.Context(), bytes.NewReader(releaseBundle(t))))(t)
	if known := must(second.Releases(t.Context()))(t).Known; len(made.Releases) != 1 || len(known.Releases) != 1 || known.Problem != "" {
		t.Errorf("a release that the first was given: %+v, at the second %+v", made, known)
	}
	for _, api := range []string{first.endpoint.URL, second.endpoint.URL} {
		for _, file := range []string{"metadata/timestamp.json", "targets/" + made.Releases[0].File()} {
			if status, body := call(t, https, "GET", api+"/api/internal/envsvr/updates/"+file, "Bearer "+id.env["appDeliveryToken"], nil); status != 200 {
				t.Errorf("%s from %s: got %d %q", file, api, status, body)
			}
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

// TestSilentGateway: whether a server is connected to a gateway that was cut off nobody knows, and an
// operator is told that, and not that it is away.
func TestSilentGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("a gateway is silent after six seconds")
	}
	t.Parallel()
	address := external(t)
	relay, cut := cuttable(t, address)
	first := start(t, t.TempDir(), func(cfg *cloud.Config) { cfg.NATS = []string{address} })
	second := start(t, beside(t, first), func(cfg *cloud.Config) { cfg.NATS = []string{relay} })
	must(first.CreateEnvironment(t.Context(), "lab", ""))(t)
	data, xid, err := first.bundle(t.Context(), "lab", v1.NewBundle{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	id := open(t, data)
	id.env["brokerHost"] = second.endpoint.Broker
	must(second.join(id))(t)
	restart := func() string {
		return fmt.Sprint(first.ControlServer(t.Context(), xid, v1.ControlServer{Action: wire.ActionRestart}))
	}
	await(t, "the server is known", func() bool { return restart() == "<nil>" })
	cut()
	await(t, "the silence is told", func() bool {
		return restart() == `whether server "one" is connected is not known: its gateway does not answer`
	})
}

// cuttable is a way to a NATS server that can be cut.
func cuttable(t *testing.T, address string) (relay string, cut func()) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	to := must(url.Parse(address))(t).Host
	ctx, stop := context.WithCancel(t.Context())
	cut = func() { stop(); _ = l.Close() }
	t.Cleanup(cut)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		}
	}()
	return "nats://" + l.Addr().String(), cut
}

// TestDamagedStore: what a stranger has written into the store is not quoted to an operator; the log says what
// it is.
func TestDamagedStore(t *testing.T) {
	address := external(t)
	c := start(t, t.TempDir(), func(cfg *cloud.Config) { cfg.NATS = []string{address} })
	conn := must(nats.Connect(address))(t)
	defer conn.Close()
	js := must(jetstream.New(conn))(t)
	kv := must(js.KeyValue(t.Context(), catalog.AppsBucket))(t)
	must(kv.Put(t.Context(), "junk", []byte("s3cr3t")))(t)
	_, err := c.Apps(t.Context())
	if code(err) != v1.CodeInternal || err.Error() != "the cloud could not do this now" {
		t.Errorf("got %v", err)
	}
	if said := c.log.String(); !strings.Contains(said, "reading the catalog") {
		t.Error("the log does not say why")
	}
}

// releaseBundle is what maintainers publish a release with.
func releaseBundle(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	repo := must(repository.Init(filepath.Join(dir, "repo"), filepath.Join(dir, "keys"), repository.Offline{Keys: 1, Threshold: 1}))(t)
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	must(repo.Add(program, release.Release{Version: "1.0.0", OS: "linux", Arch: "amd64"}))(t)
	must(repo.Sign(must(repository.ReadKeys(filepath.Join(dir, "keys")))(t)))(t)
	var b bytes.Buffer
	if err := repo.Bundle(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A gateway that is given nothing of the cloud in the store does not start, and becomes no other
// cloud.
func TestStrangerAtStore(t *testing.T) {
	url := external(t)
	first := start(t, t.TempDir(), func(cfg *cloud.Config) { cfg.NATS = []string{url} })
	other := start(t, t.TempDir())
	if err := other.stop(); err != nil {
		t.Fatal(err)
	}
	secret := must(os.ReadFile(filepath.Join(first.dir, secretFile)))(t)
	for name, tt := range map[string]struct {
		dir        string
		secret     bool
		says, hint string
	}{
		"no secret":     {t.TempDir(), false, "there is no cluster secret", "copy cluster.secret"},
		"another cloud": {other.dir, true, "is not that of cloud", "another --data"},
	} {
		if tt.secret {
			if err := os.WriteFile(filepath.Join(tt.dir, secretFile), secret, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := refusal(t, tt.dir, func(cfg *cloud.Config) { cfg.NATS = []string{url} })
		hinted, ok := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if !ok || !strings.Contains(err.Error(), tt.says) || !strings.Contains(hinted.Hint(), tt.hint) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
