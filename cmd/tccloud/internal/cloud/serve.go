package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/api"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// Config is the command line of `tccloud serve`, see there.
type Config struct {
	Data                    string
	BrokerAddr, APIAddr     string
	Names                   []string
	NATS                    []string
	AcceptLoss              bool // of what the embedded store has lost
	CertFile, KeyFile       string
	PublicURL, PublicBroker string
	Lease, Heartbeat        time.Duration // 0 = the parts' defaults
	ClientLife              time.Duration // of client certificates; 0 = a year
	Version                 string
	Notice                  io.Writer // for the operator who starts it
	Logger                  *slog.Logger
}

// MinClientLife is the shortest life of a client certificate: at two
// thirds of it a server asks for the next one.
const MinClientLife = 3 * time.Second

// Run serves until ctx ends.
func Run(ctx context.Context, cfg Config) error {
	if os.Getenv("GOGC") == "" {
		// Thousands of idle sessions make a large heap of which little is garbage.
		debug.SetGCPercent(50)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("opening the data folder: %w", err)
	}
	unlock, err := filelock.Try(filepath.Join(cfg.Data, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("opening the data folder %q: another cloud is running in it", cfg.Data)
	}
	if err != nil {
		return fmt.Errorf("opening the data folder %q: %w", cfg.Data, err)
	}
	defer unlock()
	ballast{cfg.Data}.fit()
	if err := client.RemoveEndpoint(cfg.Data); err != nil { // of one that was killed
		return fmt.Errorf("opening the data folder: %w", err)
	}
	ports, err := listen(cfg)
	if err != nil {
		return err
	}
	defer ports.close()
	st, err := store.Open(ctx, store.Config{
		Dir: filepath.Join(cfg.Data, "store"), URLs: cfg.NATS, AcceptLoss: cfg.AcceptLoss, Logger: cfg.Logger.With("component", "store"),
	})
	if err != nil {
		return err
	}
	defer st.Close()
	c, err := build(ctx, cfg, st, ports)
	if err != nil {
		return err
	}
	return c.run(ctx, cfg, st, ports)
}

// cloud is all that runs.
type cloud struct {
	registry   *registry.Registry
	dispatcher *dispatch.Dispatcher
	catalog    *catalog.Catalog
	sweeps     []func(context.Context) error
	gateway    *gateway.Gateway
	api        *api.API
	server     *pki.Server
	authority  *pki.Authority
	releases   *releases.Director
	packages   *packages.Store
	health     *health.Monitor
	clock      *clock.Watch
	verdict    atomic.Pointer[verdict]
}

// verdict is what trusted came to.
type verdict struct {
	at time.Time
	ok bool
}

// trusted reports whether times that were written down may be judged by
// this host's clock: the servers that are connected know.
func (c *cloud) trusted() bool {
	if c.gateway == nil {
		return false
	}
	// It is asked for every order, and thousands of servers are many to ask.
	if v := c.verdict.Load(); v != nil && time.Since(v.at) < time.Second && c.clock.Steady() > 0 {
		return v.ok
	}
	v := &verdict{time.Now(), c.clock.Trusted(c.gateway.Skews()...)}
	c.verdict.Store(v)
	return v.ok
}

// confirmed reports whether the servers that are connected share this
// host's clock: alone it may have been wrong since the start.
func (c *cloud) confirmed() bool {
	return c.clock.Steady() >= clock.Tolerated && len(c.gateway.Skews()) > 0 && c.trusted()
}

// tokensExpire reports whether a token's end may be judged: not those
// that were issued before the clock was set.
func (c *cloud) tokensExpire() bool { return c.trusted() && c.clock.Steady() > appstore.TokenLife }

// clockSet is told when the clock was.
func (c *cloud) clockSet(log *slog.Logger) func(by time.Duration) {
	return func(by time.Duration) {
		log.Warn("this host's clock was set, or the host slept", "by", by.Round(time.Millisecond))
		c.sayCertificate(log)
		c.gateway.CompareClocks(by)
		c.verdict.Store(nil)
		c.releases.Resign()
	}
}

// doubted is a check that goes by the clock: while that is in question, it warns at most.
func (c *cloud) doubted(check health.Check) health.Check {
	return health.Check{Name: check.Name, Look: func(ctx context.Context) health.Finding {
		f := check.Look(ctx)
		if f.State != health.OK && !c.trusted() {
			f.State = health.Warning
		}
		return f
	}}
}

func (c *cloud) sayCertificate(log *slog.Logger) {
	if problem := c.server.Problem(); problem != "" {
		log.Error("servers refuse the cloud's certificate unless this host's clock is wrong", "reason", problem)
	}
}

func build(ctx context.Context, cfg Config, st *store.Store, p *ports) (*cloud, error) {
	log := func(component string) *slog.Logger { return cfg.Logger.With("component", component) }
	c := &cloud{clock: clock.New()}
	kv, err := st.KV(ctx, registry.Bucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	if err := trusted(ctx, kv, cfg.Data); err != nil {
		return nil, err
	}
	if c.authority, err = pki.OpenAuthority(filepath.Join(cfg.Data, "pki")); err != nil {
		return nil, damaged(err, "bring pki/ca.pem back from a backup or from another gateway of this cloud: all servers trust what is in it, and nothing else")
	}
	if cfg.ClientLife > 0 {
		c.authority.ClientLife(cfg.ClientLife)
	}
	if cfg.CertFile != "" {
		c.server, err = pki.LoadServer(cfg.CertFile, cfg.KeyFile)
	} else {
		c.server, err = pki.NewServer(c.authority, cfg.Names)
		err = damaged(err, "remove pki/server.pem: the cloud makes another one")
	}
	if err != nil {
		return nil, err
	}
	c.server.Trust(c.trusted)
	st.Trust(c.trusted)
	signer, err := apptoken.Open(filepath.Join(cfg.Data, "apptoken.key"))
	if err != nil {
		return nil, damaged(err, "bring apptoken.key back from a backup or from another gateway of this cloud, or remove it: the Apps that run now then cannot reach the cloud")
	}
	token, err := adminToken(cfg)
	if err != nil {
		return nil, damaged(err, "write the token that operators use into it, or remove it: the cloud makes another one")
	}
	c.registry, err = registry.Open(ctx, registry.Config{KV: kv, Authority: c.authority, Trusted: c.trusted, Logger: log("registry")})
	if err != nil {
		return nil, err
	}
	c.dispatcher, err = dispatch.New(ctx, dispatch.Config{
		Store: st, Tokens: signer, Logger: cfg.Logger, Lease: cfg.Lease, Trusted: c.trusted, LogBytes: st.Share(5, 4<<30),
		RecordBytes: st.Share(8, 8<<30),
	})
	if err != nil {
		return nil, err
	}
	k, err := keep(ctx, cfg, st, signer, c)
	if err != nil {
		return nil, err
	}
	c.catalog = k.catalog
	c.sweeps = c.retention(st, k)
	if c.releases, err = director(ctx, cfg, st, c); err != nil {
		return nil, err
	}
	c.health = health.New(ctx, log("health"), health.Store(st), health.Disk(cfg.Data), health.Clock(st.Time),
		c.doubted(health.Certificates(c.server.Leaf, c.authority.Certificate)))
	c.gateway, err = gateway.New(gateway.Config{
		Listener: p.broker, TLS: &tls.Config{GetCertificate: c.server.Get},
		Auth: doorman{c.registry}, Referee: c.registry, Dispatcher: c.dispatcher, Heartbeat: cfg.Heartbeat, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	c.api, err = api.New(api.Config{
		Registry: c.registry, Catalog: k.catalog, Uploads: k.uploads, AppStore: k.apps,
		Dispatcher: c.dispatcher, Sessions: c.gateway, Releases: c.releases, Packages: c.packages, Server: c.server, Health: c.health, AdminToken: token,
		APIURL: p.publicURL, BrokerHost: p.publicBroker, Version: cfg.Version, Logger: log("api"),
	})
	return c, err
}

// adminToken opens the token, and tells a person who starts a new cloud
// at a terminal what it is, once: it must not end in a log.
func adminToken(cfg Config) (string, error) {
	path := filepath.Join(cfg.Data, client.TokenFile)
	token, fresh, err := api.OpenToken(path)
	switch {
	case err != nil:
		return "", err
	case fresh && terminal(cfg.Notice):
		fmt.Fprintf(cfg.Notice, "The admin token is %s (kept in %s; it is not shown again)\n", token, path)
	case fresh:
		cfg.Logger.Info("admin token made", "file", path)
	}
	return token, nil
}

func (c *cloud) run(ctx context.Context, cfg Config, st *store.Store, p *ports) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return st.Run(ctx) })
	g.Go(func() error { return c.dispatcher.Run(ctx) })
	g.Go(func() error { return c.gateway.Run(ctx) })
	g.Go(func() error { return c.registry.Run(ctx, sessions{c.gateway}) })
	g.Go(func() error { return c.registry.KeepTime(ctx, c.confirmed) })
	g.Go(func() error { return c.health.Run(ctx) })
	g.Go(func() error { return ballast{cfg.Data}.Run(ctx) })
	g.Go(func() error { return c.catalog.Run(ctx, c.sweeps...) })
	g.Go(func() error { return c.releases.Run(ctx, sessions{c.gateway}) })
	g.Go(func() error { return c.api.Run(ctx, p.api) })
	g.Go(func() error { return c.clock.Run(ctx, c.clockSet(cfg.Logger)) })
	c.sayCertificate(cfg.Logger)
	g.Go(func() error {
		if err := client.WriteEndpoint(cfg.Data, c.endpoint(cfg, p)); err != nil {
			return fmt.Errorf("saying that the cloud is ready: %w", err)
		}
		cfg.Logger.Info("cloud ready", "version", cfg.Version, "broker", p.broker.Addr(), "api", p.api.Addr(),
			"api_url", p.publicURL, "broker_host", p.publicBroker, "data", cfg.Data)
		<-ctx.Done()
		cfg.Logger.Info("cloud stopping")
		return client.RemoveEndpoint(cfg.Data)
	})
	err := g.Wait()
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil {
		err = nil
	}
	if err == nil {
		cfg.Logger.Info("cloud stopped")
	}
	return err
}

// endpoint is how programs on this host reach the API.
func (c *cloud) endpoint(cfg Config, p *ports) client.Endpoint {
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		data = cfg.Data
	}
	host, port, _ := net.SplitHostPort(p.api.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	e := client.Endpoint{
		API: p.api.Addr().String(), Broker: p.broker.Addr().String(), PID: os.Getpid(),
		URL: "https://" + net.JoinHostPort(host, port), ServerName: "localhost",
		CA: c.authority.CertFile(), TokenFile: filepath.Join(data, client.TokenFile),
	}
	if !filepath.IsAbs(e.CA) {
		e.CA = filepath.Join(data, "pki", filepath.Base(e.CA))
	}
	if cfg.CertFile != "" {
		// Whoever issued it: this host may trust the certificate itself.
		e.CA, _ = filepath.Abs(cfg.CertFile)
		switch leaf := c.server.Leaf(); {
		case len(leaf.DNSNames) > 0:
			e.ServerName = leaf.DNSNames[0]
		case len(leaf.IPAddresses) > 0:
			e.ServerName = leaf.IPAddresses[0].String()
		}
	}
	return e
}
