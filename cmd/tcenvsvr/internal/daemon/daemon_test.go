package daemon

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// enrolled makes the home of a server of the broker.
func enrolled(t *testing.T, b *linktest.Broker) paths.Paths {
	t.Helper()
	p, err := paths.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert := b.CA.Issue(t, "xid-1")
	store, err := bundle.Keystore(cert, []*x509.Certificate{b.CA.Certificate()}, "sesame")
	if err := errors.Join(err, p.Create()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Keystore, store, 0o600); err != nil {
		t.Fatal(err)
	}
	change(t, p, map[string]string{
		"apiURL": "https://127.0.0.1:1", "appDeliveryToken": "token-2", "brokerHost": b.Address(), "brokerToken": "token-1",
		"serverXid": "xid-1", "serverName": "desk", "keystorePassword": "sesame", "appsRunner": "none", "appsNumberofJobExecutors": "2",
	})
	return p
}

func change(t *testing.T, p paths.Paths, changes map[string]string) {
	t.Helper()
	if err := settings.Set(p.Settings, changes, nil); err != nil {
		t.Fatal(err)
	}
}

// The cloud and a signal have the settings read again, and systemd is told when a reload by signal
// begins and ends. The hello says what the settings say.
func TestReloadsByCloudAndSignal(t *testing.T) {
	defer func(d time.Duration) { quiet = d }(quiet)
	quiet = time.Hour // the file's change is not noticed by itself
	socket := filepath.Join(t.TempDir(), "notify")
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	b := linktest.Start(t, linktest.Config{Token: "token-1"})
	p := enrolled(t, b)
	hup := make(chan os.Signal, 1)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Config{Home: p.Home, Stderr: t.Output(), Mode: logging.Journald, Version: "1.2.3", Reload: hup})
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the agent ended: %v", err)
		}
	}()

	s := b.Accept(t)
	if h := s.Hello; h.ServerXID != "xid-1" || h.ServerName != "desk" || h.BrokerToken != "token-1" || h.Slots != 2 {
		t.Errorf("hello of %q, %q with %d slots", h.ServerXID, h.ServerName, h.Slots)
	}
	credit := func(want int) {
		t.Helper()
		if m := linktest.Expect[*wire.Credit](t, s); m.N != want || m.Services != 0 {
			t.Errorf("got %d credits and %d for services, of which this cloud knows nothing; want %d", m.N, m.Services, want)
		}
	}

	change(t, p, map[string]string{"appsNumberofJobExecutors": "5"})
	s.Send(t, &wire.Control{Action: wire.ActionConfigChanged})
	credit(3)
	wantTold(t, told, "READY=1")
	change(t, p, map[string]string{"appsNumberofJobExecutors": "9"})
	hup <- syscall.SIGHUP
	credit(4)
	wantTold(t, told, "RELOADING=1\nMONOTONIC_USEC=")
	wantTold(t, told, "READY=1")
	text, err := os.ReadFile(p.Audit)
	if err != nil || !strings.Contains(string(text), `"by":"cloud"`) || !strings.Contains(string(text), `"by":"signal"`) {
		t.Errorf("audit log (%v):\n%s", err, text)
	}
}

// wantTold waits for a message that begins so; status lines may come before.
func wantTold(t *testing.T, c *net.UnixConn, want string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); ; {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %v", want, err)
		}
		switch got := string(b[:n]); {
		case strings.HasPrefix(got, want):
			return
		case !strings.HasPrefix(got, "STATUS="):
			t.Fatalf("systemd is told %q, want %q", got, want)
		}
	}
}

// TestWithoutUpdatesAndSeals: what an installation cannot do is said to who asks for it.
func TestWithoutUpdatesAndSeals(t *testing.T) {
	d := &daemon{}
	for name, ask := range map[string]func() (any, error){
		"check":    func() (any, error) { return d.checkUpdates(t.Context(), controlapi.Check{}) },
		"progress": func() (any, error) { return d.updateProgress(t.Context(), nil) },
		"import":   func() (any, error) { return d.imported(t.Context(), "1.1.0") },
	} {
		if _, err := ask(); !errors.Is(err, errNoUpdates) {
			t.Errorf("%s: got %v, want %v", name, err, errNoUpdates)
		}
	}
	p, err := paths.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := audit.Open(filepath.Join(p.Home, "audit.jsonl"))
	open := func() (*vault, error) {
		s, _, err := settings.Load(settings.Options{File: p.Settings})
		if err != nil {
			t.Fatal(err)
		}
		return openVault(t.Context(), Config{}, p, s, slog.New(slog.DiscardHandler), log)
	}
	v, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.handler()(t.Context(), []byte("{}")); err == nil || err.Error() != "this service has no sealed settings" {
		t.Errorf("unlocking without a keychain: got %v", err)
	}
	// The keychain was lost, and what it sealed is there still.
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	chain, err := keychain.Create(p.Keychain, []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if err := settings.Set(p.Settings, map[string]string{"proxyPassword": "s3cr3t"}, chain.Seal); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.Keychain); err != nil {
		t.Fatal(err)
	}
	_, err = open()
	if !errors.Is(err, keychain.ErrMissing) || !strings.Contains(err.Error(), ", and it sealed secrets in the settings\n"+
		"hint: restore it from a backup; without one \"tcenvsvr keychain init --replace\" starts anew and says what is lost") {
		t.Errorf("without its keychain: got %v", err)
	}
}
