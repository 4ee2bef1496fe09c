package daemon

import (
	"context"
	"time"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// newGuard makes what keeps from this host what its owner does not allow. The Environment is that
// of the settings, which came with the bundle: neither a message of the cloud nor a renewed
// certificate changes it.
func (d *daemon) newGuard(s settings.Settings, client *cloud.Client) *guard.Guard {
	c := guard.Config{
		Policy: policy.NewFile(d.paths.Policy), Environment: s.Environment, Replays: signed.NewReplays(d.paths.Journal),
		Packages: d.apps, Cloud: client, Audit: d.audit, Logger: d.logger.With("component", "guard"),
	}
	if d.sealing != nil {
		c.Keys = d.sealing
	}
	return guard.New(c)
}

// protectEvery is how often the policy is looked at without an order: log and audit tell of a
// change, and of a policy that somebody spoiled, before the next order comes.
const protectEvery = 30 * time.Second

// protect tells of changes of the policy, and has a session that lasts long told a new statement of
// the sealing key.
func (d *daemon) protect(ctx context.Context) error {
	tick := time.NewTicker(protectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			d.guard.Look()
			if d.sealing.old(time.Now()) && d.link.State().Connected {
				d.logger.Info("session is made anew: the statement of the sealing key is old")
				d.link.Reconnect()
			}
		}
	}
}

func (d *daemon) policyStatus() controlapi.Policy {
	p := d.guard.Look()
	v := p.View()
	s := controlapi.Policy{Path: d.guard.Policy.Path(), State: v.State, SHA256: v.SHA256, Problem: v.Error}
	if v.Document != nil {
		s.Rules = len(v.Document.Rules)
	}
	if len(p.Signers()) > 0 {
		s.Signed = v.Document.Orders.Signed
		if err := d.guard.Signed(p); err != nil {
			s.SignedProblem = err.Error()
		}
	}
	return s
}

// rotateSealKey makes a new sealing key, and a new session that tells the cloud of it.
func (d *daemon) rotateSealKey(_ context.Context, ask controlapi.Rotation) (any, error) {
	fingerprint, err := d.sealing.Rotate(ask.Forget)
	if err != nil {
		return nil, err
	}
	d.link.Reconnect()
	return controlapi.Rotated{SealKey: fingerprint}, nil
}
