package guard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
)

// Pass is one order on its way through the Guard.
type Pass struct {
	guard *Guard
	order wire.Order // as it came: parameters that come by HTTPS are not in it

	verified *signed.Verified // nil: not signed
}

// Arrived looks at an order whose App may not be here.
func (g *Guard) Arrived(o wire.Order) (*Pass, error) {
	if g == nil {
		return nil, nil //nolint:nilnil // a nil Pass is one that lets everything pass
	}
	p := &Pass{guard: g, order: o}
	rules := g.Look()
	r, err := p.request(rules)
	if err != nil {
		return p, err
	}
	r.Sealed = true // what the App calls encrypted is not known yet
	if rules.NeedsPublisher(r) {
		return p, refusal(rules.DecideOrder(r))
	}
	return p, refusal(rules.Decide(r))
}

// Fetched looks at the signature of an App before the App is fetched. What it cannot find out is
// left to Installed.
func (p *Pass) Fetched(ctx context.Context) error {
	if p == nil {
		return nil
	}
	rules := p.guard.Look()
	r, err := p.request(rules)
	if err != nil {
		return err
	}
	r.Sealed = true
	if !rules.NeedsPublisher(r) {
		return nil
	}
	text, err := p.guard.Cloud.Signature(ctx, p.order.App.SHA256)
	if err != nil || claims(text, rules.PublisherKeys(time.Now())) {
		return nil //nolint:nilerr // Installed asks again
	}
	return refusal(rules.Decide(r))
}

// Installed looks at the order once its App is here.
func (p *Pass) Installed(ctx context.Context, a app.App) error {
	if p == nil {
		return nil
	}
	_, err := p.decide(ctx, a, true)
	return err
}

// Grant is what an App may be started with.
type Grant struct {
	Params map[string]string // sealed ones opened
	Limit  time.Duration     // the App may run for so long at most; 0 is any time
	// Bound says that the App must get its parameters from here, even one that would ask the cloud
	// for them (feature secureParams): what the cloud answers is neither signed nor opened.
	Bound bool
}

// Start is the last gate: params are those that have come.
func (p *Pass) Start(ctx context.Context, a app.App, params map[string]string) (Grant, error) {
	if p == nil {
		return Grant{Params: params}, nil
	}
	d, err := p.decide(ctx, a, sealed(a.Manifest, params, p.order.Defaults))
	if err != nil {
		return Grant{}, err
	}
	if p.verified != nil {
		if err := p.once(ctx, params); err != nil {
			return Grant{}, err
		}
	}
	g := Grant{Limit: d.MaxTimeout, Bound: p.verified != nil || len(Sealed(params)) > 0}
	g.Params, err = p.open(params)
	return g, err
}

// Sealed are the names of the parameters that came sealed.
func Sealed(params map[string]string) []string {
	var names []string
	for name, value := range params {
		if envelope.IsSealed(value) {
			names = append(names, name)
		}
	}
	return names
}

// Cancelled notes that a signed order must not start any more.
func (p *Pass) Cancelled() {
	if p == nil || p.verified == nil {
		return
	}
	if err := p.guard.Replays.Spend(p.verified, time.Now()); err != nil {
		p.guard.Logger.Warn("that a signed order was cancelled is not noted", "order", p.order.Ref.String(), "err", err)
	}
}

// said is what the order says of itself.
func (p *Pass) said() policy.Request {
	o := &p.order
	return policy.Request{
		App: o.App.Name, Version: o.App.Version, SHA256: string(o.App.SHA256), Runtime: o.Runtime.Family(), Timeout: o.Timeout(),
		Job: o.Order.Job() != "",
	}
}

// request is that, and who signed the order.
func (p *Pass) request(rules *policy.Policy) (policy.Request, error) {
	r, o := p.said(), &p.order
	v, err := p.guard.verify(rules, o)
	if err != nil {
		return r, err
	}
	if p.verified = v; v != nil {
		r.Signer = v.Signer()
	}
	return r, nil
}

// decide asks the policy with all that the package itself says.
func (p *Pass) decide(ctx context.Context, a app.App, sealed bool) (policy.Decision, error) {
	rules := p.guard.Look()
	r, err := p.request(rules)
	if err != nil {
		return policy.Decision{}, err
	}
	r.Sealed = sealed
	if rules.Absent() || rules.Err() != nil {
		d := rules.Decide(r)
		return d, refusal(d)
	}
	if !a.Manifest.RunsAs(p.order.Runtime) {
		return policy.Decision{}, &Refusal{Code: policy.Denied, Rule: policy.RuleOrders,
			Err: fmt.Errorf("the order runs the App as %q, and its runtimeLevel is %.80q", string(p.order.Runtime), a.Manifest.RuntimeLevel)}
	}
	if err := p.packaged(ctx, rules, &r); err != nil {
		return policy.Decision{}, err
	}
	d := rules.Decide(r)
	return d, refusal(d)
}

// packaged adds to a request what the package itself says, and its publisher where a rule asks.
func (p *Pass) packaged(ctx context.Context, rules *policy.Policy, r *policy.Request) error {
	origin, err := p.origin(ctx)
	if err != nil {
		return err
	}
	r.App, r.Version = origin.Name, origin.Version
	if rules.NeedsPublisher(*r) {
		r.Publisher, err = p.publisher(ctx, rules, origin)
	}
	return err
}

// Running is a [Refusal] where the policy's rules deny the App of an order that runs; another error says that it
// could not be found out.
func (g *Guard) Running(ctx context.Context, o wire.Order) error {
	if g == nil {
		return nil
	}
	p, rules := &Pass{guard: g, order: o}, g.Look()
	r := p.said()
	if rules.Absent() || rules.Err() != nil {
		return nil
	}
	if err := p.packaged(ctx, rules, &r); err != nil {
		return err
	}
	return refusal(rules.DecideRunning(r))
}

func refusal(d policy.Decision) error {
	if d.Allowed {
		return nil
	}
	return &Refusal{Code: policy.Denied, Rule: d.Rule, Err: errors.New(d.Reason)}
}

// verify returns nil without an error for an order that is not signed, or where nobody's signature
// is asked for.
func (g *Guard) verify(rules *policy.Policy, o *wire.Order) (*signed.Verified, error) {
	s, err := signed.Parse(o.Signature)
	if errors.Is(err, signed.ErrUnsigned) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, &Refusal{Code: CodeSignature, Err: err}
	}
	var keys []signed.Key
	for _, k := range rules.Signers() {
		keys = append(keys, signed.Key{Name: k.Name, ID: signed.KeyID(k.Key.ID), Public: k.Key.Key[:], NotBefore: k.NotBefore, NotAfter: k.NotAfter})
	}
	if len(keys) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	now := time.Now()
	v, err := signed.Verify(o, s, g.Environment, keys, now)
	if err != nil {
		return nil, &Refusal{Code: CodeSignature, Err: err}
	}
	if err := g.Replays.Check(v, now); err != nil && !errors.Is(err, signed.ErrUnderWay) {
		return nil, &Refusal{Code: CodeReplayed, Err: err}
	}
	return v, nil
}

// How long an order waits for another attempt at it to end: the cloud has fenced that one, else it
// would not have sent this one.
const (
	underWay     = time.Minute
	underWayLook = 250 * time.Millisecond
)

// once lets a signed order pass that was not started here before.
func (p *Pass) once(ctx context.Context, params map[string]string) error {
	for until := time.Now().Add(underWay); ; {
		err := p.guard.Replays.Start(p.verified, params, time.Now())
		switch {
		case err == nil:
			return nil
		case errors.Is(err, signed.ErrUnderWay) && time.Now().Before(until):
			select {
			case <-time.After(underWayLook):
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		case errors.Is(err, signed.ErrReplayed), errors.Is(err, signed.ErrUnderWay), errors.Is(err, signed.ErrTooOld), errors.Is(err, signed.ErrMemory):
			return &Refusal{Code: CodeReplayed, Err: err}
		}
		return &Refusal{Code: CodeSignature, Err: err}
	}
}

// open returns the parameters with those opened that came sealed.
func (p *Pass) open(params map[string]string) (map[string]string, error) {
	for name, value := range p.order.Defaults {
		if envelope.IsSealed(value) { // the App could not tell it from a parameter
			return nil, &Refusal{Code: CodeSealed, Err: fmt.Errorf("the default %.80q looks like a sealed parameter, and only parameters are sealed", name)}
		}
	}
	opened, job := maps.Clone(params), p.job(params)
	for name, value := range params {
		if !envelope.IsSealed(value) {
			continue
		}
		if p.guard.Keys == nil {
			return nil, &Refusal{Code: CodeSealed, Err: fmt.Errorf("parameter %.80q is sealed, and this server has no sealing key: it has no keychain", name)}
		}
		at := envelope.Binding{Environment: p.guard.Environment, Order: p.order.Order, Parameter: name}
		if job != nil && envelope.IsForJob(value) {
			at.Order, at.Job = "", job
		}
		clear, err := p.guard.Keys.Open(at, value)
		if err != nil {
			return nil, &Refusal{Code: CodeSealed, Err: err}
		}
		opened[name] = string(clear)
	}
	return opened, nil
}

// job is where parameters belong that are sealed for the runs of a Job; nil if the order is no run of
// one. That the package is the one of this digest the installation has made sure of.
func (p *Pass) job(params map[string]string) *envelope.Job {
	id := p.order.Order.Job()
	if id == "" {
		return nil
	}
	j := &envelope.Job{ID: id, Package: p.order.App.SHA256}
	for name, value := range params {
		if envelope.IsForJob(value) {
			j.Sealed = append(j.Sealed, name)
		}
	}
	return j
}

// sealed reports whether no parameter that the App calls encrypted came in clear, from wherever.
func sealed(m app.Manifest, sources ...map[string]string) bool {
	for _, declared := range m.Params {
		for _, from := range sources {
			if value := from[declared.Name]; declared.Encrypt && value != "" && !envelope.IsSealed(value) {
				return false
			}
		}
	}
	return true
}
