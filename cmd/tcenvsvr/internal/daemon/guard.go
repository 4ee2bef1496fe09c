package daemon

import (
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/order/guard"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// newGuard makes what keeps from this host what its owner does not allow. The Environment is that of the
// settings, which came with the bundle: neither a message of the cloud nor a renewed certificate changes it.
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
