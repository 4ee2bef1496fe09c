package submission

import (
	"fmt"
	"time"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Sign signs a draft that was checked, and adds to the request what its submission needs.
func Sign(q *v1.NewExecution, d v1.Draft, k signature.SecretKey, now time.Time, valid time.Duration) (until time.Time, err error) {
	until = now.Add(valid)
	s, err := signed.Sign(d.Order, signed.Terms{
		KeyID: signed.KeyID(k.Public().ID), Environment: q.Environment, MadeAt: now, NotAfter: until,
	}, k.Ed25519())
	if err != nil {
		return until, err
	}
	text, err := s.MarshalText()
	if err != nil {
		return until, fmt.Errorf("signing order %q: %w", q.ID, err)
	}
	Confirm(q, d)
	q.Signature = string(text)
	return until, nil
}

// Confirm adds to a request that only what was drafted is to run.
func Confirm(q *v1.NewExecution, d v1.Draft) {
	q.KVContext, q.Draft = d.Order.KVContext, d.SHA256
	q.Version = d.Order.App.Version
}
