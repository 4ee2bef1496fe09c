package registry_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/store"
)

type cloud struct {
	*testing.T
	store *store.Store
	ca    *pki.Authority
	*registry.Registry
}

// newCloud is a registry over a real embedded store.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	ca, err := pki.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{T: t, store: s, ca: ca}
	c.Registry = c.gateway()
	return c
}

// gateway is one more registry over the same bucket.
func (c *cloud) gateway(logs ...*slog.Logger) *registry.Registry {
	c.Helper()
	cfg := registry.Config{Authority: c.ca}
	if len(logs) > 0 {
		cfg.Logger = logs[0]
	}
	return c.open(cfg)
}

func (c *cloud) open(cfg registry.Config) *registry.Registry {
	c.Helper()
	var err error
	if cfg.KV, err = c.store.KV(c.Context(), registry.Bucket, store.KVOptions{}); err != nil {
		c.Fatal(err)
	}
	r, err := registry.Open(c.Context(), cfg)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

func (c *cloud) environment(name string) {
	c.Helper()
	if _, err := c.CreateEnvironment(c.Context(), name, "me"); err != nil {
		c.Fatal(err)
	}
}

func (c *cloud) issue(q registry.Request) registry.Issued {
	c.Helper()
	i, err := c.Issue(c.Context(), q)
	if err != nil {
		c.Fatal(err)
	}
	return i
}

func code(err error) wire.Code {
	if d, ok := errors.AsType[*registry.Denied](err); ok {
		return d.Code
	}
	if err != nil {
		return wire.Code("not a denial: " + err.Error())
	}
	return ""
}

func TestAuthenticate(t *testing.T) {
	c := newCloud(t)
	for _, name := range []string{"lab", "off", "gone"} {
		c.environment(name)
	}
	good := c.issue(registry.Request{Environment: "lab", Name: "one"})
	other := c.issue(registry.Request{Environment: "lab"})
	inactive := c.issue(registry.Request{Environment: "off"})
	removed := c.issue(registry.Request{Environment: "gone"})
	revoked := c.issue(registry.Request{Environment: "lab"})
	if _, err := c.SetActive(t.Context(), "off", false); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteEnvironment(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Revoke(t.Context(), revoked.XID); err != nil {
		t.Fatal(err)
	}
	foreignCA, err := pki.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, _ := foreignCA.IssueClient(string(good.XID))
	_, second, _ := c.ca.IssueClient(string(good.XID)) // ours, for this server, but never in a bundle
	expired := *good.Certificate
	expired.NotAfter = time.Now().Add(-time.Minute)

	const wrongToken, replaced = "brokerToken does not match server ", "was replaced by a newer bundle's"
	for _, tt := range []struct {
		name  string
		xid   wire.ServerXID
		token string
		cert  *x509.Certificate
		want  wire.Code
		says  string
	}{
		{"good", good.XID, good.BrokerToken, good.Certificate, "", ""},
		{"no certificate", good.XID, good.BrokerToken, nil, wire.CodeCertificate, "no client certificate was presented"},
		{"foreign CA", good.XID, good.BrokerToken, foreign, wire.CodeCertificate, "the client certificate is not valid here: x509: certificate signed by unknown authority"},
		{"the CA's own certificate", good.XID, good.BrokerToken, c.ca.Certificate(), wire.CodeCertificate, "a CA certificate is no client's"},
		{"expired", good.XID, good.BrokerToken, &expired, wire.CodeClock, "if that is right, make a new bundle with --server " + string(good.XID)},
		{"another server's certificate", good.XID, good.BrokerToken, other.Certificate, wire.CodeCertificate, fmt.Sprintf("the client certificate belongs to server %q, not to %q", other.XID, good.XID)},
		{"a certificate that is not the bundle's", good.XID, good.BrokerToken, second, wire.CodeCertificate, replaced},
		{"no token", good.XID, "", good.Certificate, wire.CodeBadToken, wrongToken},
		{"another server's token", good.XID, other.BrokerToken, good.Certificate, wire.CodeBadToken, wrongToken},
		{"appDeliveryToken as brokerToken", good.XID, good.DeliveryToken, good.Certificate, wire.CodeBadToken, wrongToken},
		{"a token of megabytes", good.XID, strings.Repeat("x", 1<<20), good.Certificate, wire.CodeBadToken, wrongToken},
		{"unknown server without our certificate", "nobody", good.BrokerToken, foreign, wire.CodeCertificate, "not valid here"},
		{"removed server", removed.XID, removed.BrokerToken, removed.Certificate, wire.CodeUnknownServer, "it was removed, or the bundle is another cloud's"},
		{"revoked", revoked.XID, revoked.BrokerToken, revoked.Certificate, wire.CodeRevoked, " was revoked on " + time.Now().UTC().Format(time.DateOnly)[:7]},
		{"inactive environment", inactive.XID, inactive.BrokerToken, inactive.Certificate, wire.CodeInactive, `environment "off" is not active`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := c.Authenticate(t.Context(), tt.xid, tt.token, tt.cert)
			if got := code(err); got != tt.want {
				t.Fatalf("got %q (%v), want %q", got, err, tt.want)
			}
			if err == nil && (s.XID != tt.xid || s.Environment != "lab" || s.Name != "one") {
				t.Errorf("got server %+v", s)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.says) || len(tt.token) > 20 && strings.Contains(err.Error(), tt.token[:20])) {
				t.Errorf("got %v, want %s in it and no token", err, tt.says)
			}
		})
	}

	for name, tt := range map[string]struct {
		token string
		want  wire.Code
	}{
		"good":     {good.DeliveryToken, ""},
		"empty":    {"", wire.CodeBadToken},
		"broker's": {good.BrokerToken, wire.CodeBadToken},
		"revoked":  {revoked.DeliveryToken, wire.CodeRevoked},
		"inactive": {inactive.DeliveryToken, wire.CodeInactive},
		"removed":  {removed.DeliveryToken, wire.CodeBadToken},
	} {
		xid, err := c.Deliver(tt.token)
		if got := code(err); got != tt.want || (err == nil && xid != good.XID) {
			t.Errorf("delivery token, %s: got %q (%v), want %q", name, got, err, tt.want)
		}
	}
}

// A new bundle locks the running server out only when it is first used.
func TestReissue(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	c.environment("new")
	old := c.issue(registry.Request{Environment: "lab", Name: "one"})
	auth := func(i registry.Issued, cert *x509.Certificate) (registry.Server, wire.Code) {
		s, err := c.Authenticate(t.Context(), old.XID, i.BrokerToken, cert)
		return s, code(err)
	}

	moved := c.issue(registry.Request{Environment: "new", Server: old.XID, KeepKey: true})
	if moved.Key != nil || moved.Name != "one" {
		t.Errorf("got key %v and name %q, want the old ones kept", moved.Key, moved.Name)
	}
	if s, got := auth(old, old.Certificate); got != "" || s.Environment != "lab" {
		t.Errorf("before its use: got %q in %q, want the old identity to work in lab", got, s.Environment)
	}
	if s, got := auth(moved, old.Certificate); got != "" || s.Environment != "new" {
		t.Errorf("first use: got %q in %q", got, s.Environment)
	}
	if _, got := auth(old, old.Certificate); got != wire.CodeBadToken {
		t.Errorf("after it: got %q for the old token, want %q", got, wire.CodeBadToken)
	}
	if _, err := c.Deliver(old.DeliveryToken); code(err) != wire.CodeBadToken {
		t.Errorf("the old appDeliveryToken still works: %v", err)
	}

	if _, err := c.Revoke(t.Context(), old.XID); err != nil {
		t.Fatal(err)
	}
	for want, server := range map[string]wire.ServerXID{"was revoked, its key cannot be kept": old.XID, "a new server needs a key of its own": ""} {
		_, err := c.Issue(t.Context(), registry.Request{Environment: "new", Server: server, KeepKey: true})
		if !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	fresh := c.issue(registry.Request{Environment: "new", Server: old.XID})
	if _, got := auth(moved, old.Certificate); got != wire.CodeRevoked {
		t.Errorf("revoked: got %q for the old identity", got)
	}
	if _, got := auth(fresh, fresh.Certificate); got != "" {
		t.Errorf("revoked: got %q for the new identity", got)
	}
	if _, got := auth(moved, old.Certificate); got != wire.CodeCertificate {
		t.Errorf("got %q for the replaced certificate, want %q", got, wire.CodeCertificate)
	}
}

// TestReissueAtOnce: a bundle that is used at one gateway while another replaces it is refused, and the newer
// one is not lost.
func TestReissueAtOnce(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	first := c.issue(registry.Request{Environment: "lab"})
	again := registry.Request{Environment: "lab", Server: first.XID}
	second := c.issue(again)
	there := c.gateway() // does not follow
	third := c.issue(again)
	if _, err := there.Authenticate(t.Context(), first.XID, second.BrokerToken, second.Certificate); err == nil || !strings.Contains(err.Error(), "a newer one was made for the server in this moment") {
		t.Errorf("got %v", err)
	}
	for _, i := range []registry.Issued{first, third} {
		if _, err := c.Authenticate(t.Context(), first.XID, i.BrokerToken, i.Certificate); err != nil {
			t.Error(err)
		}
	}
}

func TestEnvironments(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	if _, err := c.CreateEnvironment(t.Context(), "lab", ""); !errors.Is(err, registry.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	for _, bad := range []string{"", "a b", "../x", "-x", "a.b", "ä", ">", "*", strings.Repeat("x", 65), "a\nb"} {
		if _, err := c.CreateEnvironment(t.Context(), bad, ""); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", bad, err)
		}
	}
	for _, bad := range []string{"two\nlines", "\x1b[2J", strings.Repeat("x", 129)} {
		if _, err := c.CreateEnvironment(t.Context(), "mine", bad); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "use at most 128 printable bytes") {
			t.Errorf("owner %q: got %v", bad, err)
		}
	}
	for _, bad := range []string{"../x", "", "no", "a b", ">"} {
		if _, err := c.SetActive(t.Context(), bad, true); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", bad, err)
		}
		if err := c.DeleteEnvironment(t.Context(), bad); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", bad, err)
		}
		if _, err := c.Revoke(t.Context(), wire.ServerXID(bad)); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%q: got %v, want ErrNotFound", bad, err)
		}
	}
	if _, err := c.Issue(t.Context(), registry.Request{Environment: "lab", Name: "x\ny"}); !errors.Is(err, registry.ErrInvalid) {
		t.Errorf("got %v, want a server name of two lines refused", err)
	}
	if err := c.DeleteEnvironment(t.Context(), "lab"); err != nil {
		t.Fatal(err)
	}
	c.environment("lab") // the name is free again
	c.issue(registry.Request{Environment: "lab"})
	// Everything is there for a gateway that starts later.
	late := c.gateway()
	if got := fmt.Sprint(len(late.Environments()), len(late.Servers("lab")), len(late.Servers("none"))); got != "1 1 0" {
		t.Errorf("a second gateway sees %s, want 1 1 0", got)
	}
}

// sessions are the connections of a gateway.
type sessions struct {
	live map[wire.ServerXID]bool
	cut  chan string
}

func (s *sessions) Connected(context.Context) (list []wire.ServerXID, _ error) {
	for xid := range s.live {
		list = append(list, xid)
	}
	return list, nil
}

func (s *sessions) Resume(_ context.Context, xid wire.ServerXID) error {
	s.cut <- string(xid) + " resumed"
	return nil
}

func (s *sessions) Disconnect(_ context.Context, xid wire.ServerXID, code wire.Code) error {
	delete(s.live, xid)
	s.cut <- string(xid) + " " + string(code)
	return nil
}

// What is done at one gateway cuts the sessions of another.
func TestRunCutsSessions(t *testing.T) {
	c := newCloud(t)
	c.environment("a")
	c.environment("b")
	c.environment("c")
	one, two := c.issue(registry.Request{Environment: "a"}), c.issue(registry.Request{Environment: "b"})
	three, four := c.issue(registry.Request{Environment: "c"}), c.issue(registry.Request{Environment: "a"})
	there := c.gateway()
	s := &sessions{live: map[wire.ServerXID]bool{one.XID: true, two.XID: true, three.XID: true, four.XID: true}, cut: make(chan string, 4)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- there.Run(ctx, s) }()

	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := c.Revoke(ctx, one.XID); return err }, string(one.XID) + " revoked"},
		{func() error { _, err := c.SetActive(ctx, "b", false); return err }, string(two.XID) + " environment_inactive"},
		{func() error { return c.DeleteEnvironment(ctx, "c") }, string(three.XID)},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := <-s.cut; !strings.HasPrefix(got, step.want) {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if !s.live[four.XID] {
		t.Error("the session of an untouched server was cut")
	}
}
