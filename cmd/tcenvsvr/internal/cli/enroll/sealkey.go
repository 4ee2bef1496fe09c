package enroll

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/envelope"
)

// publishSealKey makes the key to which parameters may be sealed, where there is none, and tells the
// cloud. The host is enrolled by then, so nothing here is an error: the service does the same when it
// starts.
func (n *enrollment) publishSealKey(ctx context.Context, plan *enroll.Plan, reach enroll.Route) {
	fingerprint, told, err := n.sealKey(ctx, plan, reach)
	if fingerprint != "" {
		fmt.Fprintf(n.Stderr, "sealing key %s, for those who seal parameters to this server\n", fingerprint)
	}
	switch {
	case err != nil:
		fmt.Fprintf(n.Stderr, "the cloud was not told the sealing key: %v; the service tells it when it starts\n", err)
	case !told:
		fmt.Fprintln(n.Stderr, "the cloud learns the sealing key when the service starts")
	}
}

// sealKey reports whether the cloud has the key now.
func (n *enrollment) sealKey(ctx context.Context, plan *enroll.Plan, reach enroll.Route) (fingerprint string, told bool, err error) {
	now := time.Now()
	o, err := envelope.NewStore(n.paths.SealKeys, n.chain).Open(now)
	if o.Lost != nil {
		fmt.Fprintf(n.Stderr, "a new sealing key takes the place of one that is lost: %v\n", o.Lost)
	}
	if err != nil {
		return "", false, err
	}
	fingerprint = o.Ring.Current().Fingerprint().String()
	if o.Made {
		audit.Open(n.paths.Audit).Record(audit.SealKeyMade, "fingerprint", fingerprint)
	}
	s := plan.Settings
	statement, err := envelope.State(o.Ring, wire.ServerXID(s.ServerXID), s.Environment, plan.Certificate, now)
	if err != nil {
		return fingerprint, false, err
	}
	text, err := statement.MarshalText()
	if err != nil {
		return fingerprint, false, err
	}
	told, err = enroll.StateSealKey(ctx, s, plan.Certificate, string(text), reach)
	return fingerprint, told, err
}
