package cloud

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"

	"github.com/google/uuid"

	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/api"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/metrics"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// build makes the parts. figures count what they do.
func build(ctx context.Context, cfg Config, st *store.Store, p *ports, figures *metrics.Metrics) (*cloud, error) {
	log := func(component string) *slog.Logger { return cfg.Logger.With("component", component) }
	c := &cloud{clock: clock.New(), tokenLife: cmp.Or(cfg.TokenLife, appstore.TokenLife)}
	kv, err := st.KV(ctx, registry.Bucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	if !st.Embedded() {
		c.name = uuid.NewString()
	}
	var own ownFiles
	if st.Embedded() {
		if err = refuseNewCA(ctx, kv, cfg.Data); err == nil {
			own, err = openFiles(cfg)
		}
	} else {
		own, err = joinCloud(ctx, cfg, st, kv)
	}
	if err != nil {
		return nil, err
	}
	c.authority = own.authority
	if cfg.ClientLife > 0 {
		c.authority.ClientLife(cfg.ClientLife)
	}
	if cfg.CertFile != "" {
		c.server, err = pki.LoadServer(cfg.CertFile, cfg.KeyFile)
	} else {
		c.server, err = pki.NewServer(c.authority, cfg.Names)
		err = damagedFile(err, "remove pki/server.pem: the cloud makes another one")
	}
	if err != nil {
		return nil, err
	}
	c.server.Trust(c.trusted)
	st.Trust(c.trusted)
	c.registry, err = registry.Open(ctx, registry.Config{KV: kv, Authority: c.authority, Trusted: c.trusted, Logger: log("registry")})
	if err != nil {
		return nil, err
	}
	c.dispatcher, err = dispatch.New(ctx, dispatch.Config{
		Store: st, Tokens: own.signer, Meter: figures, Logger: cfg.Logger, Lease: cfg.Lease, Trusted: c.trusted, LogBytes: st.Share(5, 4<<30),
		Retention: cfg.keep(), LogAge: cfg.KeepLogs, RecordBytes: st.Share(8, 8<<30), TokenTTL: c.tokenLife,
	})
	if err != nil {
		return nil, err
	}
	c.exchange = exchange.New(st.Conn())
	if err := openAccess(ctx, cfg, st, c); err != nil {
		return nil, err
	}
	k, err := openCatalog(ctx, cfg, st, own.signer, c)
	if err != nil {
		return nil, err
	}
	c.catalog = k.catalog
	c.sweeps = c.retention(st, k, cfg.keep())
	ti, err := openPlatform(ctx, cfg, st, c, k.apps)
	if err != nil {
		return nil, err
	}
	if c.releases, err = openReleases(ctx, cfg, st, c); err != nil {
		return nil, err
	}
	st.Prove(ctx) // making all that took its time
	c.health = health.New(ctx, log("health"), health.Store(st), health.Disk(cfg.Data), health.Clock(st.Time),
		c.dependsOnClock(health.Certificates(c.server.Leaf, c.authority.Certificate)))
	if c.services, err = openServices(ctx, cfg, st, own.signer, c); err != nil {
		return nil, err
	}
	if c.brokers, err = openBrokers(ctx, st, p, log("brokers")); err != nil {
		return nil, err
	}
	c.gateway, err = gateway.New(gateway.Config{
		Listener: p.broker, TLS: &tls.Config{GetCertificate: c.server.Get},
		Auth: authenticator{c.registry}, SealKey: authenticator{c.registry}.sealKey, Referee: c.registry, Drained: c.registry.Drained, Brokers: c.brokers.Told, Dispatcher: c.dispatcher, Services: c.services, Heartbeat: cfg.Heartbeat, Logger: cfg.Logger,
		HTTP: consoleOf(c),
	})
	if err != nil {
		return nil, err
	}
	if c.jobs, err = openJobs(ctx, cfg, st, c); err != nil {
		return nil, err
	}
	figures.Ask(metrics.Sources{
		Registry: c.registry, Sessions: c.gateway, Orders: c.dispatcher, Jobs: c.jobs, Services: c.services, Store: st, Audit: c.audit, Health: c.health,
		Room: func() (quota.Room, error) { return quota.RoomAt(cfg.Data) }, Server: c.server.Leaf, CA: c.authority.Certificate,
	})
	c.api, err = api.New(api.Config{
		Scrapes:  figures,
		Registry: c.registry, Catalog: k.catalog, Uploads: k.uploads, AppStore: k.apps,
		Dispatcher: c.dispatcher, Jobs: c.jobs, Services: c.services, Sessions: c.gateway, Releases: c.releases, Packages: c.packages, Server: c.server, Health: c.health, AdminToken: own.token,
		Users: c.users, Audit: c.audit, Console: consoleOf(c),
		Artifacts: ti.artifacts, Requests: ti.requests, Metrics: ti.own, Platform: ti.serve,
		APIURL: p.publicURL, BrokerHost: c.brokers.String, Version: cfg.Version, Logger: log("api"),
		Room: func(bytes int64) error { return checkSpace(cfg.Data, bytes) },
	})
	if err != nil {
		return nil, err
	}
	if err := openConsole(ctx, cfg, st, c, p); err != nil {
		return nil, err
	}
	if err := c.welcome(ctx, cfg, p); err != nil { // a disk that is full must not keep servers away
		cfg.Logger.Warn("link of the first start not made, the next start tries again", "err", err)
	}
	return c, nil
}
