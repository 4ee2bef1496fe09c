package appstore

import (
	"context"

	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// Seeded submits an order and sets Playbook variables in its context. No
// App that calls this gateway gets an answer in between, so that none can
// miss a value; orders run through other gateways should not rely on it.
func (s *Store) Seeded(ctx context.Context, values map[string][]byte, submit func() (dispatch.Execution, error)) (dispatch.Execution, error) {
	if len(values) > 0 {
		s.seeding.Lock()
		defer s.seeding.Unlock()
	}
	e, err := submit()
	if err != nil {
		return e, err
	}
	for name, value := range values {
		if err := s.Put(ctx, e.KVContext, name, value); err != nil {
			return e, err
		}
	}
	return e, nil
}
