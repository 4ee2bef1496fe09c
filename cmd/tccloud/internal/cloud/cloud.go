package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/agent/host/clock"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/api"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/console"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/services/exchange"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// Config is the command line of `tccloud serve`, see there.
type Config struct {
	Data                string
	BrokerAddr, APIAddr string
	Names               []string
	NATS                []string
	Login               store.Login // to NATS
	Copies              int         // of everything in NATS, 0 = as it is; see store.Config
	AcceptLoss          bool        // of what the embedded store has lost
	SecretFile          string      // with NATS: the cluster secret's, see package identity
	Adopt               []string    // files of Data that are the cloud's from now on, see there
	CertFile, KeyFile   string
	PublicURL           string
	PublicBrokers       []string
	Lease, Heartbeat    time.Duration    // 0 = the parts' defaults
	Keep, KeepLogs      time.Duration    // what ended, and its logs; 0 = 45 days and 7 days
	TokenLife           time.Duration    // of Apps' tokens, which they renew; 0 = appstore.TokenLife
	ClientLife          time.Duration    // of client certificates; 0 = a year
	Platform            *upstream.Config // that requests of Apps are passed on to; nil: none
	// SignOn is by whom people sign in to the console; nil: by passwords and links alone. Its RedirectURL
	// may be missing: then it is at PublicURL.
	SignOn *sso.Config
	// JobCommand is the program that is run for failures of Jobs that say so; "" = there is none.
	JobCommand string
	Version    string
	Notice     io.Writer // for the operator who starts it
	Logger     *slog.Logger
}

// MinClientLife is the shortest life of a client certificate: at two thirds of it a server asks for
// the next one.
const MinClientLife = 3 * time.Second

// Run serves until ctx ends.
func Run(ctx context.Context, cfg Config) error {
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
	reserveFile{cfg.Data}.adjust()
	started, err := client.Starting(cfg.Data)
	if err != nil {
		return fmt.Errorf("opening the data folder: %w", err)
	}
	defer started()
	ports, err := listen(cfg)
	if err != nil {
		return err
	}
	defer ports.close()
	st, err := store.Open(ctx, store.Config{
		Dir: filepath.Join(cfg.Data, "store"), URLs: cfg.NATS, Login: cfg.Login, Replicas: cfg.Copies, AcceptLoss: cfg.AcceptLoss, Logger: cfg.Logger.With("component", "store"),
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

// cloud is everything that runs.
type cloud struct {
	name         string // of this gateway among those over one store; "" = there is no other
	registry     *registry.Registry
	dispatcher   *dispatch.Dispatcher
	users        *access.Users
	audit        *audit.Log
	jobs         *jobs.Jobs
	services     *services.Services
	exchange     *exchange.Exchange
	catalog      *catalog.Catalog
	sweeps       []func(context.Context) error
	gateway      *gateway.Gateway
	brokers      *brokers
	api          *api.API
	console      *console.Console
	server       *pki.Server
	authority    *pki.Authority
	releases     *releases.Director
	packages     *packages.Store
	health       *health.Monitor
	clock        *clock.Watch
	tokenLife    time.Duration // of Apps' tokens
	clockVerdict atomic.Pointer[clockVerdict]
}

func (c *cloud) run(ctx context.Context, cfg Config, st *store.Store, p *ports) error {
	record, recorded := context.WithCancel(context.WithoutCancel(ctx))
	var last errgroup.Group // what the API did at the end is in the audit log as well
	last.Go(func() error { return c.audit.Run(record) })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return st.Run(ctx) })
	g.Go(func() error { return c.dispatcher.Run(ctx) })
	g.Go(func() error { return c.gateway.Run(ctx) })
	g.Go(func() error { return c.brokers.Run(ctx) })
	if os.Getenv("GOGC") == "" {
		g.Go(func() error { collector(ctx); return nil })
	}
	g.Go(func() error { return c.registry.Run(ctx, fleet{c.gateway}) })
	g.Go(func() error { return c.registry.KeepTime(ctx, c.confirmed) })
	g.Go(func() error { return c.health.Run(ctx) })
	g.Go(func() error { return reserveFile{cfg.Data}.Run(ctx) })
	g.Go(func() error { return c.users.Run(ctx) })
	g.Go(func() error { return c.catalog.Run(ctx, c.sweeps...) })
	g.Go(func() error { return c.jobs.Run(ctx) })
	g.Go(func() error { return c.services.Run(ctx) })
	g.Go(func() error { return c.releases.Run(ctx, fleet{c.gateway}) })
	g.Go(func() error { return c.api.Run(ctx, p.api) })
	g.Go(func() error { return c.console.Run(ctx) })
	g.Go(func() error { return c.clock.Run(ctx, c.onClockStep(cfg.Logger)) })
	c.logCertificate(cfg.Logger)
	g.Go(func() error {
		if err := client.WriteEndpoint(cfg.Data, c.endpoint(cfg, p)); err != nil {
			return fmt.Errorf("saying that the cloud is ready: %w", err)
		}
		cfg.Logger.Info("cloud ready", "version", cfg.Version, "broker", p.broker.Addr(), "api", p.api.Addr(),
			"api_url", p.publicURL, "broker_host", c.brokers, "data", cfg.Data)
		<-ctx.Done()
		cfg.Logger.Info("cloud stopping")
		return client.RemoveEndpoint(cfg.Data)
	})
	err := g.Wait()
	recorded()
	err = errors.Join(err, last.Wait())
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil {
		err = nil
	}
	if err == nil {
		cfg.Logger.Info("cloud stopped")
	}
	return err
}
