package dispatch

import (
	"context"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/ledger"
)

// Keeper reports whether this gateway is the one of all that ends overdue orders and removes what is
// too old, by a lease.
func (d *Dispatcher) Keeper() bool { return d.ledger.Mine() }

// Trim removes executions that ended longer ago than Config.Retention, and the oldest ended ones
// where all need more than Config.RecordBytes.
func (d *Dispatcher) Trim(ctx context.Context) error {
	n, err := d.ledger.Trim(ctx, d.cfg.RecordBytes)
	if n > 0 {
		d.log.Info("old executions removed", "executions", n)
	}
	return err
}

// Contexts are the key-value contexts of executions that have not ended.
func (d *Dispatcher) Contexts() []string {
	var out []string
	for _, a := range d.ledger.Active(func(a ledger.Aged) bool { return a.KVContext != "" }) {
		out = append(out, a.KVContext)
	}
	return out
}

// ForgetEnvironments removes from memory what belongs to Environments that known does not know, where they
// have no session and no execution here.
func (d *Dispatcher) ForgetEnvironments(known func(string) bool) {
	d.mu.Lock()
	for name, e := range d.envs {
		if len(e.sessions) == 0 && !e.pumping && !known(name) {
			delete(d.envs, name)
		}
	}
	d.mu.Unlock()
	d.ledger.ForgetEnvironments(known)
}

// Forget removes the sessions of servers that are not known any more from this gateway's memory; the
// keeper removes them from the store as well.
func (d *Dispatcher) Forget(ctx context.Context, known func(wire.ServerXID) bool) error {
	return d.presence.Forget(ctx, known, d.Keeper())
}
