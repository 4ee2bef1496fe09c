package gatewaytest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// Env is the Environment of servers that Options.Envs does not name.
const Env = "Lab One"

// Options change a Cloud; the zero value is good.
type Options struct {
	Dir      string   // of the store, default a new one
	URLs     []string // external store
	Dispatch func(*dispatch.Config)
	Gateway  func(*gateway.Config)
	Auth     gateway.Authenticator // default: *Auth
	Referee  *Referee              // default: a new one; gateways of one cloud share it
	CA       *CA                   // default: a new one
	Logger   *slog.Logger
}

// Cloud is a running cloud side.
type Cloud struct {
	T          testing.TB
	Options    Options
	CA         *CA
	Auth       *Auth
	Referee    *Referee
	Store      *store.Store
	Dispatcher *dispatch.Dispatcher
	Gateway    *gateway.Gateway
	rest       func() // ends what the store writes by itself
	stop       func()
}

// Start runs a cloud until the test ends or Stop.
func Start(t testing.TB, o Options) *Cloud {
	t.Helper()
	if o.CA == nil {
		o.CA = NewCA(t)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "store")
	}
	if o.Referee == nil {
		o.Referee = &Referee{}
	}
	c := &Cloud{T: t, Options: o, CA: o.CA, Auth: &Auth{}, Referee: o.Referee}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	if c.Store, err = store.Open(ctx, store.Config{Dir: o.Dir, URLs: o.URLs, Logger: o.Logger}); err != nil {
		t.Fatal(err)
	}
	c.stop = func() { cancel(); c.Store.Close() }
	t.Cleanup(func() { c.stop() })
	dc := dispatch.Config{Store: c.Store, Tokens: tokens{}, Logger: o.Logger}
	if o.Dispatch != nil {
		o.Dispatch(&dc)
	}
	if c.Dispatcher, err = dispatch.New(ctx, dc); err != nil {
		t.Fatal(err)
	}
	gc := gateway.Config{
		Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{o.CA.Server}}, ClientCAs: o.CA.Pool,
		Auth: c.Auth, Referee: c.Referee, Dispatcher: c.Dispatcher,
	}
	if o.Auth != nil {
		gc.Auth = o.Auth
	}
	if o.Gateway != nil {
		o.Gateway(&gc)
	}
	if c.Gateway, err = gateway.New(gc); err != nil {
		t.Fatal(err)
	}
	dctx, dcancel := context.WithCancel(ctx)
	sctx, scancel := context.WithCancel(dctx)
	var gw, dw, sw sync.WaitGroup
	gw.Go(func() {
		if err := c.Gateway.Run(ctx); err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	sw.Go(func() {
		if err := c.Store.Run(sctx); err != nil {
			t.Errorf("store: %v", err)
		}
	})
	dw.Go(func() {
		if err := c.Dispatcher.Run(dctx); err != nil {
			t.Errorf("dispatcher: %v", err)
		}
	})
	c.rest = func() {
		scancel()
		sw.Wait()
	}
	c.stop = sync.OnceFunc(func() {
		defer hurry(t, "stopping a cloud")()
		cancel()
		gw.Wait()
		dcancel()
		dw.Wait()
		c.rest()
		c.Store.Close()
	})
	defer hurry(t, "reading all records")()
	<-c.Dispatcher.Ready()
	return c
}

// Stop ends the cloud in an orderly way.
func (c *Cloud) Stop() { c.stop() }

// Submit hands in an order for Env.
func (c *Cloud) Submit(change ...func(*dispatch.Request)) dispatch.Execution {
	c.T.Helper()
	r := Request()
	for _, f := range change {
		f(&r)
	}
	e, err := c.Dispatcher.Submit(c.T.Context(), r)
	if err != nil {
		c.T.Fatal(err)
	}
	return e
}

// Request is an order that any agent takes.
func Request() dispatch.Request {
	return dispatch.Request{
		Environment: Env,
		App:         wire.AppRef{Name: "app", Version: "1.0.0", Size: 1, SHA256: wire.SHA256(fmt.Sprintf("%064d", 0))},
		Runtime:     wire.RuntimeJob,
		Params:      map[string]string{"secret": "swordfish"},
		Timeout:     time.Minute,
		Priority:    dispatch.DefaultPriority,
	}
}

// Wait waits until the execution is in a state that want accepts.
func (c *Cloud) Wait(id wire.OrderID, want func(dispatch.Execution) bool) dispatch.Execution {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.T.Context(), Timeout)
	defer cancel()
	var last dispatch.Execution
	wanted := false
	err := c.Dispatcher.Watch(ctx, id, func(e dispatch.Execution) bool {
		last, wanted = e, want(e)
		return !wanted
	})
	if !wanted {
		c.T.Fatalf("execution stayed in state %q, attempt %d: %v: %+v", last.State, last.Attempt, err, last)
	}
	return last
}

// WaitState waits for a state.
func (c *Cloud) WaitState(id wire.OrderID, s wire.State) dispatch.Execution {
	c.T.Helper()
	return c.Wait(id, func(e dispatch.Execution) bool { return e.State == s })
}

// Auth lets in whoever has a certificate for its xid and the token "token-" + xid.
type Auth struct {
	mu     sync.Mutex
	Denied map[wire.ServerXID]*gateway.Denied
	Envs   map[wire.ServerXID]string
}

// Deny refuses a server from now on.
func (a *Auth) Deny(xid wire.ServerXID, d *gateway.Denied) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Denied == nil {
		a.Denied = map[wire.ServerXID]*gateway.Denied{}
	}
	a.Denied[xid] = d
}

// Authenticate implements gateway.Authenticator.
func (a *Auth) Authenticate(_ context.Context, xid wire.ServerXID, token string, cert *x509.Certificate) (gateway.Server, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.Denied[xid] != nil:
		return gateway.Server{}, a.Denied[xid]
	case cert.Subject.CommonName != string(xid):
		return gateway.Server{}, &gateway.Denied{Code: wire.CodeCertificate, Message: "another server's certificate"}
	case token != "token-"+string(xid):
		return gateway.Server{}, &gateway.Denied{Code: wire.CodeBadToken, Message: "wrong brokerToken"}
	}
	return gateway.Server{XID: xid, Name: "name of " + string(xid), Environment: cmp.Or(a.Envs[xid], Env), ConfigRevision: 7}, nil
}

// Probe implements gateway.Authenticator.
func (a *Auth) Probe(ctx context.Context, xid wire.ServerXID, token string, cert *x509.Certificate, leave bool) (gateway.Server, error) {
	s, err := a.Authenticate(ctx, xid, token, cert)
	if err == nil && leave {
		a.Deny(xid, &gateway.Denied{Code: wire.CodeRevoked, Message: "it left"})
	}
	return s, err
}

// Renew implements gateway.Authenticator; what it cannot do is refused.
func (a *Auth) Renew(context.Context, wire.ServerXID, twin.Host, *wire.Renew) (*x509.Certificate, error) {
	return nil, &gateway.Denied{Code: wire.CodeCertificate, Message: "nothing is renewed here"}
}

// Referee implements gateway.Referee in memory.
type Referee struct {
	mu    sync.Mutex
	known map[wire.ServerXID]*twin.Conflict
}

// Twin implements gateway.Referee.
func (r *Referee) Twin(xid wire.ServerXID, _ string) *twin.Conflict {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[xid]
}

// RecordConflict implements gateway.Referee.
func (r *Referee) RecordConflict(_ context.Context, xid wire.ServerXID, holder, other twin.Host) (bool, error) {
	r.Set(xid, func(c *twin.Conflict) *twin.Conflict {
		n, _ := c.AddProof(holder, other, time.Now())
		return &n
	})
	return true, nil
}

// Leave implements gateway.Referee.
func (r *Referee) Leave(_ context.Context, xid wire.ServerXID, boot string) error {
	r.Set(xid, func(c *twin.Conflict) *twin.Conflict {
		if c == nil {
			return nil
		}
		return c.Leave(boot)
	})
	return nil
}

// Set changes what is known.
func (r *Referee) Set(xid wire.ServerXID, change func(*twin.Conflict) *twin.Conflict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[wire.ServerXID]*twin.Conflict{}
	}
	r.known[xid] = change(r.known[xid])
}

type tokens struct{}

func (tokens) Issue(o wire.OrderID, a wire.Attempt, _ time.Duration) string {
	return fmt.Sprintf("token:%s:%d", o, a)
}
