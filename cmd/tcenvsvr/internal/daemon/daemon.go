package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent"
	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/archive"
	"tcenvsvr/agent/app/bytecode"
	"tcenvsvr/agent/app/templates"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/host/facts"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/agent/link/directory"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/order/journal"
	"tcenvsvr/agent/settings"
	"tcenvsvr/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// Config is what the command line gives.
type Config struct {
	Home      string
	Overrides map[string]string // settings given as flags
	Env       []string
	Stderr    io.Writer
	Mode      logging.Mode
	Version   string
	Built     time.Time // when this program was built; zero = not known
	// Ask asks for the master password on a terminal; nil = there is none.
	Ask func(context.Context) ([]byte, error)
	// Drain, when closed, begins a graceful stop: no new orders are taken, jobs may finish for up
	// to drainSeconds, then Run returns.
	Drain <-chan struct{}
	// Reload makes the settings be read again.
	Reload <-chan os.Signal
}

// Run is the service. It returns nil when ctx ends or after a drain, agent.ErrRestart when it is to
// be started again, or the error that kept it from starting.
func Run(ctx context.Context, c Config) error {
	p, err := paths.New(c.Home)
	if err != nil {
		return err
	}
	p = p.WithPolicy(c.getenv)
	var vault *vault // nil until the keychain is open
	load := func() (settings.Settings, error) {
		o := settings.Options{File: p.Settings, Keystore: p.Keystore, Env: c.Env, Overrides: c.Overrides}
		if vault != nil {
			o.Unseal = vault.Unseal
		}
		s, _, err := settings.Load(o)
		if err == nil {
			err = errors.Join(s.Check(), s.Enrolled())
		}
		return s, err
	}
	s, err := load()
	if err != nil {
		return err
	}
	if err := p.Create(); err != nil {
		return err
	}
	level, err := logging.ParseLevel(s.LogLevel)
	if err != nil {
		return err
	}
	logger, levels, closeLog := logging.New(logging.Config{Mode: c.Mode, Dir: p.Logs, Level: level, Stderr: c.Stderr})
	defer func() { _ = closeLog() }()
	// A crash must not print what is in memory beyond the goroutine that crashed.
	debug.SetTraceback("single")

	log := audit.Open(p.Audit).OnError(func(err error) { logger.Error("acts are not recorded", "err", err) })
	vault, err = openVault(ctx, c, p, s, logger, log)
	if errors.Is(err, errStopped) {
		return nil
	}
	if err == nil {
		s, err = load()
	}
	if err != nil {
		logger.Error("Environment Server did not start", "err", err)
		return err
	}
	d, err := build(ctx, &daemon{Config: c, paths: p, live: newLive(load, s), logger: logger, levels: levels, audit: log, vault: vault, clock: clock.New()})
	if err != nil {
		logger.Error("Environment Server did not start", "err", err)
		return err
	}
	defer func() { _ = d.journal.Close() }()
	logger.Info("Environment Server started", "version", c.Version, "server_xid", s.ServerXID,
		"home", p.Home, "broker", s.BrokerAddr(), "proxy", d.dialer.String(), "runner", s.Runner())
	d.audit.Record(audit.AgentStarted, "version", c.Version, "server_xid", s.ServerXID, "broker", s.BrokerAddr())
	err = d.run(ctx)
	d.audit.Record(audit.AgentStopped)
	logger.Info("Environment Server stopped", "jobs_going_on", d.agent.Status().Active)
	return err
}

// keepVersions is how many versions of an App stay installed besides those in use.
const keepVersions = 3

// daemon holds the parts while they run.
type daemon struct {
	Config
	paths    paths.Paths
	live     *live
	logger   *slog.Logger
	levels   *slog.LevelVar
	audit    *audit.Log
	vault    *vault
	id       *identity.Identity
	renewer  *identity.Renewer
	journal  *journal.Journal
	jobs     *parts.Jobs
	apps     *app.Catalog
	archives *archive.Store
	// templates start Apps that run often.
	templates *templates.Keeper
	spares    *janitor.Spares // folders for the next orders
	guard     *guard.Guard
	sealing   *sealing // nil if this server has no keychain
	trust     *certs.Store
	agent     *agent.Agent
	dialer    *dialer
	link      *connection
	directory *directory.Directory // of the brokers that the cloud names
	twin      twin
	metrics   *metricsFile
	clock     *clock.Watch
	updates   *updates // nil if this installation cannot update itself
}

func build(ctx context.Context, d *daemon) (_ *daemon, err error) {
	c, p, s, logger := d.Config, d.paths, d.live.settings(), d.logger
	if d.id, err = parts.LoadIdentity(p, s); err != nil {
		return nil, err
	}
	if err := d.id.Unused(); err != nil {
		logger.Warn("a renewed client certificate cannot be used; the next renewal replaces it", "err", err)
	}
	if d.jobs, err = parts.NewJobs(s, p.State, logger); err != nil {
		return nil, err
	}
	if d.trust, err = d.newTrust(d.id.CAs()); err != nil {
		return nil, err
	}
	if d.dialer, err = newDialer(s, tlsConfig(d.trust, nil)); err != nil {
		return nil, err
	}
	client, err := cloud.New(cloud.Config{URL: s.APIURL, Token: s.AppDeliveryToken.Reveal(), HTTP: httpClient(tlsConfig(d.trust, d.id.Certificate), d.dialer), Logger: logger.With("component", "api")})
	if err != nil {
		return nil, err
	}
	host, err := facts.New(ctx)
	if err != nil {
		logger.Warn("some facts about the host are not known", "err", err)
	}
	if d.apps, err = app.Open(app.CatalogConfig{Dir: p.Programs, Compiler: bytecode.New(d.builds()), Logger: logger.With("component", "app")}); err != nil {
		return nil, err
	}
	if d.archives, err = d.newArchives(); err != nil {
		return nil, err
	}
	if d.journal, err = journal.Open(p.Journal, logger.With("component", "journal")); err != nil {
		return nil, err
	}
	if d.sealing, err = d.newSealing(s); err != nil {
		logger.Error("sealed parameters are refused", "err", err)
	}
	d.templates = d.newTemplates(ctx, host)
	d.spares = janitor.NewSpares(p.Jobs, d.jobs.MakeJobDir, logger.With("component", "job"))
	d.guard = d.newGuard(s, client)
	d.guard.Look() // the log says at once what is in force
	d.agent = agent.New(agent.Config{
		Identity: agent.Identity{
			ServerXID: wire.ServerXID(s.ServerXID), ServerName: serverName(s), BrokerToken: s.BrokerToken.Reveal(),
			MachineID: host.MachineID(), Hostname: hostname(),
			Version: c.Version, OS: runtime.GOOS, Arch: runtime.GOARCH,
		},
		Limits: limits(s), JobsDir: p.Jobs,
		Journal: d.journal, Apps: d.apps, Archives: d.archives, Jobs: jobs{d.jobs, d.templates}, Cloud: client, Host: machine{host, p.Jobs, d},
		Execution: d.execution,
		Damages:   d.apps.Damages,
		Guard:     d.guard, SealKey: d.sealing.Statement,
		Folders: []string{p.Jobs, p.Programs}, Probe: d.probe,
		Audit: d.audit, OnControl: d.control, MakeJobDir: d.spares.Take, Sweep: d.sweep(), Tidy: d.tidy, ClockTrusted: d.clockTrusted,
		Prune:  d.prune,
		Logger: logger.With("component", "agent"),
	})
	d.renewer = identity.NewRenewer(d.id, d.agent, d.audit, logger.With("component", "identity"))
	d.directory = directory.Open(p.Brokers, wire.ServerXID(s.ServerXID), s.BrokerAddrs(), logger.With("component", "link"))
	first, err := d.newLink(s)
	if err != nil {
		return nil, errors.Join(err, d.journal.Close())
	}
	d.link = newConnection(first)
	if d.updates, err = d.newUpdates(client); err != nil {
		return nil, errors.Join(err, d.journal.Close())
	}
	d.metrics = newMetricsFile(func() string { return d.live.settings().MetricsFile }, d.figures, logger.With("component", "metrics"))
	return d, nil
}

// run is the life of the service.
func (d *daemon) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := d.agent.Run(ctx, d.link, d.link.Run)
		stop(errStopped) // the other parts serve the agent
		return err
	})
	g.Go(func() error {
		return control.Serve(ctx, d.paths.Control, d.handlers())
	})
	g.Go(func() error { return d.renewer.Run(ctx, d.link) })
	g.Go(func() error { return d.jobs.Run(ctx, func() int { return d.live.settings().JobExecutors }) })
	g.Go(func() error { return d.spares.Run(ctx) })
	g.Go(func() error { return d.templates.Run(ctx) })
	g.Go(func() error { return d.apps.Run(ctx) })
	g.Go(func() error { return d.archives.Run(ctx) })
	g.Go(func() error { return d.trust.Run(ctx) })
	g.Go(func() error { return d.clock.Run(ctx, d.clockSet) })
	g.Go(func() error { return d.updates.Run(ctx) })
	g.Go(func() error { return d.protect(ctx) })
	g.Go(func() error { return d.notify(ctx) })
	g.Go(func() error { d.trim(ctx); return nil })
	g.Go(func() error { d.metrics.run(ctx); return nil })
	g.Go(func() error { return d.reloads(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-d.Drain:
			limit := d.live.settings().Drain
			d.logger.Info("stopping: jobs may finish", "limit", limit.String())
			draining, cancel := context.WithTimeout(ctx, limit)
			d.agent.Drain(draining)
			cancel()
			stop(errStopped)
		}
		return nil
	})
	return g.Wait()
}

var errStopped = errors.New("stopped")

func (d *daemon) rtt() time.Duration {
	if d.link == nil {
		return 0
	}
	return d.link.State().RTT
}

// control handles the controls of the cloud that are not the agent's own.
func (d *daemon) control(c wire.Control) {
	switch c.Action {
	case wire.ActionLogLevel:
		if _, err := d.setLevel("cloud", c.Args["level"]); err != nil {
			d.logger.Warn("log level was not changed", "err", err)
		}
	case wire.ActionConfigChanged:
		_, _ = d.reload("cloud") // an error is logged, and status shows it
	case wire.ActionTwin:
		d.twin.update(d.link.State().Epoch, c.Args, d.logger)
	case wire.ActionBrokers:
		d.directory.Learn(strings.Split(c.Args["brokers"], ","))
	case wire.ActionRenew:
		d.logger.Info("the cloud asked for a new client certificate")
		d.renewer.Renew()
	case wire.ActionUpdate:
		if d.updates != nil {
			d.updates.Check(c.Args["apply"] == "now")
		}
	default:
		d.logger.Warn("control is not known to this version", "action", fmt.Sprintf("%.64q", string(c.Action)))
	}
}
