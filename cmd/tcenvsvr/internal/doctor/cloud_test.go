package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/certs/certstest"
)

// ends makes a certificate end in the given time.
func ends(in time.Duration) certstest.Change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(in) }
}

// TestCertificatesAndClocks: a cloud whose certificates end, come from another CA, or whose clock is
// not this host's, is named with what to try. The API and the broker are one server here.
func TestCertificatesAndClocks(t *testing.T) {
	ca, network, foreign := certstest.New(t), certstest.New(t, certstest.Named("Inspecting CA")), certstest.New(t, certstest.Named("Foreign CA"))
	var shown atomic.Pointer[tls.Certificate]
	var ahead atomic.Int64 // of the cloud's clock
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Duration(ahead.Load())).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}, NextProtos: []string{"http/1.1", wire.ALPN, wire.ALPNWebSocket}}, nil
	}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients that look and go are what is tested
	server.StartTLS()
	defer server.Close()

	const password = "keystore-password"
	c := installation(t, map[string]string{
		"apiURL": server.URL, "brokerHost": server.Listener.Addr().String(), "serverXid": "xid", "brokerToken": "token-1", "appDeliveryToken": "token-2",
		"keystorePassword": password, "appsJavaHome": "/nonexistent", "appsPythonHome311": "/nonexistent",
	})
	host := CheckHost(t.Context(), c)
	certstest.File(t, filepath.Join(c.Paths.Home, "certs.d"), "network.pem", network.PEM())
	for _, row := range []struct {
		name    string
		server  certstest.Pair
		client  time.Duration // until its certificate ends
		renewed string        // what lies beside it
		ahead   time.Duration
		want    map[string]says
	}{
		{"soon", ca.Issue(t, certstest.Server(), ends(72*time.Hour)), 72 * time.Hour, "", -125 * time.Second, map[string]says{
			"network/API TLS":             {Warning, "until ", "tell the cloud's administrators that it expires soon"},
			"network/broker TLS":          {Warning, "until ", "tell the cloud's administrators"},
			"network/clock":               {Warning, "this host's clock is 2m", "let chronyd keep both"},
			"settings/client certificate": {Warning, "it expires on ", "see why it was not renewed: it is, at two thirds of its life, while the agent is connected"},
		}},
		{"too late, and a proxy in between", network.Issue(t, certstest.Server()), -time.Hour, "", 9*time.Minute + 55*time.Second, map[string]says{
			"network/API TLS":             {Warning, "not the cloud's CA but a private one of this network", "a proxy that inspects TLS makes certificates of its own; if it does harm, have it exempt the cloud's names"},
			"network/clock":               {Failed, "this host's clock is 9m5", "set the one that is wrong: chronyc makestep"},
			"settings/client certificate": {Failed, "the certificate expired on ", "see that this host's clock is right; if it is, enroll with a fresh bundle"},
		}},
		{"not trusted", foreign.Issue(t, certstest.Server()), 72 * time.Hour, "no keystore", 0, map[string]says{
			"network/API TLS":             {Failed, `server of a test came, issued by "CN=Foreign CA"`, ""},
			"network/clock":               {Skipped, "the cloud's clock cannot be asked", ""},
			"settings/client certificate": {Warning, "a renewed certificate cannot be used: ", "the next renewal replaces it; if the cloud refuses this server's certificate, enroll with a fresh bundle"},
		}},
	} {
		certificate := row.server.TLS()
		shown.Store(&certificate)
		ahead.Store(int64(row.ahead))
		client := ca.Issue(t, certstest.Server(), ends(row.client))
		data, err := bundle.Keystore(client.TLS(), []*x509.Certificate{ca.Cert}, password)
		if err == nil {
			err = os.WriteFile(c.Paths.Keystore, data, 0o600)
		}
		if err == nil && row.renewed != "" {
			err = os.WriteFile(identity.Renewed(c.Paths.Keystore), []byte(row.renewed), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		found := findings(t, c, host)
		for name, want := range row.want {
			want.check(t, row.name+": "+name, found[name])
		}
	}
}
