package releases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

// Bucket is the name of the key-value bucket.
const Bucket = "releases"

const planKey = "plan"

// Report is what a connected server reported last about its updates.
type Report struct {
	Server
	Version string // that it runs
	Update  wire.Update
}

// Fleet are the connected servers: what they report, and a way to make them ask for their release
// at once.
type Fleet interface {
	Reports(ctx context.Context) ([]Report, error)
	Nudge(ctx context.Context, xid wire.ServerXID) error
}

// Servers knows which server an appDeliveryToken belongs to, and the Environment of a server.
type Servers interface {
	Deliver(token string) (wire.ServerXID, error)
	EnvironmentOf(xid wire.ServerXID) (string, error)
}

// Config of a Director. All fields but Gateway, Trusted and Logger are required.
type Config struct {
	KV      jetstream.KeyValue // Bucket
	Files   *Files
	Servers Servers
	// Gateway is this process among those over one store; "" = there is no other.
	Gateway string
	// Trusted reports whether this host's clock tells that a rollout has begun; nil = always.
	Trusted func() bool
	Logger  *slog.Logger
}

// Director decides which release a server gets. It is safe for concurrent use, and any number of
// them may share a bucket.
type Director struct {
	Config
	lease  *lease.Lease // of looking at the fleet
	resign chan struct{}
}

// Resign makes Run sign the metadata again, with the time that the clock has now.
func (d *Director) Resign() {
	select {
	case d.resign <- struct{}{}:
	default:
	}
}

// New returns a Director.
func New(cfg Config) *Director {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	l := lease.New(lease.Config{KV: cfg.KV, Gateway: cfg.Gateway, Trusted: cfg.Trusted, What: "rollouts", Logger: cfg.Logger})
	return &Director{Config: cfg, lease: l, resign: make(chan struct{}, 1)}
}

// Plan reads the plan.
func (d *Director) Plan(ctx context.Context) (Plan, error) {
	p, _, err := d.read(ctx)
	return p, err
}

func (d *Director) read(ctx context.Context) (Plan, uint64, error) {
	p := Plan{Channels: map[string]Rollout{}, Environments: map[string]Choice{}, Servers: map[wire.ServerXID]Choice{}}
	e, err := d.KV.Get(ctx, planKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return p, 0, nil
	}
	if err != nil {
		return p, 0, fmt.Errorf("reading the plan of releases: %w", err)
	}
	if err := json.Unmarshal(e.Value(), &p); err != nil {
		return p, 0, fmt.Errorf("reading the plan of releases: %w", err)
	}
	return p, e.Revision(), nil
}

// Change applies change to the newest plan, and again if another writer was faster.
func (d *Director) Change(ctx context.Context, change func(*Plan) error) (Plan, error) {
	for {
		p, revision, err := d.read(ctx)
		if err != nil {
			return p, err
		}
		if err := change(&p); err != nil {
			return p, err
		}
		_, _, err = bucket.Write(ctx, d.KV, planKey, p, revision)
		if bucket.Overtaken(err) {
			continue
		}
		if err != nil {
			return p, fmt.Errorf("storing the plan of releases: %w", err)
		}
		return p, nil
	}
}

// Roll starts or widens the rollout of a channel. It refuses a version for which there are no
// files, so that agents do not ask for them in vain.
func (d *Director) Roll(ctx context.Context, channel string, r Rollout) (Plan, error) {
	if err := r.Check(); err != nil {
		return Plan{}, err
	}
	known, err := d.Files.Releases(ctx)
	if err != nil {
		return Plan{}, err
	}
	if !known.has(r.Version) {
		return Plan{}, fmt.Errorf("%w: there is no release %q here; add it first", ErrInvalid, r.Version)
	}
	return d.Change(ctx, func(p *Plan) error {
		r.Started = time.Now().UTC()
		if old := p.Channels[channel]; old.Version == r.Version && old.Halted == "" {
			r.Started = old.Started
		}
		p.Channels[channel] = r
		return nil
	})
}

// Halt ends a rollout for the servers that do not have the release yet.
func (d *Director) Halt(ctx context.Context, channel, why string) (Plan, error) {
	return d.Change(ctx, func(p *Plan) error {
		r, ok := p.Channels[channel]
		if !ok {
			return fmt.Errorf("%w: channel %q has no rollout", ErrInvalid, channel)
		}
		r.Halted = why
		p.Channels[channel] = r
		return nil
	})
}

const (
	// lookEvery is how often the fleet is asked for failures, by the gateway that has the lease.
	lookEvery = 5 * time.Second
	// keepEvery is how often it is looked whether the metadata must be signed again.
	keepEvery = 5 * time.Minute
)

// Run watches rollouts, nudges servers for which there is a new release and keeps the metadata
// signed, until ctx ends.
func (d *Director) Run(ctx context.Context, fleet Fleet) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.lease.Run(ctx) })
	g.Go(func() error { return d.watch(ctx, fleet) })
	g.Go(func() error { return d.keep(ctx) })
	return g.Wait()
}

// watch looks at the fleet while this gateway has the lease.
func (d *Director) watch(ctx context.Context, fleet Fleet) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	nudged := map[wire.ServerXID]string{} // the version for which each server was nudged
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := d.seeLease(ctx)
		switch {
		case err != nil:
		case d.lease.Held():
			err = d.look(ctx, fleet, nudged)
		default:
			clear(nudged)
		}
		if err != nil && !failing && ctx.Err() == nil { // logged once, not at each look
			d.Logger.Warn("rollouts not looked at, trying again", "err", err)
		}
		failing = err != nil
	}
}

// seeLease tells the lease who has it: nobody watches this bucket.
func (d *Director) seeLease(ctx context.Context) error {
	if d.Gateway == "" {
		return nil
	}
	e, err := d.KV.Get(ctx, lease.Key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading who looks after rollouts: %w", err)
	}
	d.lease.Seen(e.Value(), e.Revision(), false)
	return nil
}

// keep signs the metadata again in time, and removes what is not published any more: the gateway that has
// the lease does.
func (d *Director) keep(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for force := false; ; {
		if err := d.sign(ctx, force); err != nil && ctx.Err() == nil {
			d.Logger.Error("update metadata not signed again: agents will stop updating when it expires", "err", err)
		}
		if d.lease.Held() {
			if err := d.Files.Sweep(ctx); err != nil && ctx.Err() == nil {
				d.Logger.Warn("old releases not removed, trying again", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			force = false
		case <-d.resign:
			force = true
		}
	}
}

// sign signs the metadata again when it is time, or in any case if it is forced. Without the lease it does
// so only in the place of a gateway that has it and has not signed, and not by a clock that may be wrong.
func (d *Director) sign(ctx context.Context, force bool) error {
	switch {
	case d.lease.Held() && force:
		return d.Files.Sign(ctx, 0)
	case d.lease.Held():
		return d.Files.Sign(ctx, signEvery)
	case d.Trusted():
		return d.Files.Sign(ctx, standInAfter)
	}
	return nil
}

// look compares the servers' reports with the plan.
func (d *Director) look(ctx context.Context, fleet Fleet, nudged map[wire.ServerXID]string) error {
	plan, revision, err := d.read(ctx)
	if err != nil || plan.empty() {
		return err
	}
	reports, err := fleet.Reports(ctx)
	if err != nil {
		return err
	}
	if err := d.haltFailed(ctx, plan, revision, reports); err != nil {
		return err
	}
	for _, r := range reports {
		want := plan.Wanted(r.Server, time.Now()).Version
		if want == "" || want == r.Version || want == r.Update.Failed || nudged[r.XID] == want {
			continue
		}
		nudged[r.XID] = want
		if err := fleet.Nudge(ctx, r.XID); err != nil {
			d.Logger.Debug("server was not nudged for its release", "server", r.XID, "version", want, "err", err)
		}
	}
	return nil
}

// haltFailed halts rollouts whose release failed on too many servers. It writes over the revision that
// plan was read at: a gateway that stood still meanwhile, and has the lease no more, halts nothing that
// it has not judged.
func (d *Director) haltFailed(ctx context.Context, plan Plan, revision uint64, reports []Report) error {
	for name, r := range plan.Channels {
		failed := plan.failed(name, reports)
		if r.Halted != "" || len(failed) <= r.MaxFailures {
			continue
		}
		r.Halted = fmt.Sprintf("it failed on %d servers, %d are allowed", len(failed), r.MaxFailures)
		plan.Channels[name] = r
		var err error
		revision, _, err = bucket.Write(ctx, d.KV, planKey, plan, revision)
		if bucket.Overtaken(err) {
			return nil // judged anew at the next look
		}
		if err != nil {
			return fmt.Errorf("halting the rollout of channel %s: %w", name, err)
		}
		d.Logger.Error("rollout halted", "channel", name, "version", r.Version, "failed_on", failed, "allowed", r.MaxFailures)
	}
	return nil
}

func (p Plan) empty() bool {
	return len(p.Channels) == 0 && len(p.Servers) == 0 && len(p.Environments) == 0
}

// failed returns the channel's servers on which its release failed.
func (p Plan) failed(name string, reports []Report) []wire.ServerXID {
	var list []wire.ServerXID
	for _, r := range reports {
		in := channel(p.Servers[r.XID], p.Environments[r.Environment]) == name
		if in && r.Update.Failed != "" && r.Update.Failed == p.Channels[name].Version {
			list = append(list, r.XID)
		}
	}
	return list
}
