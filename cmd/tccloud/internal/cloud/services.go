package cloud

import (
	"context"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openServices opens what is kept of services.
func openServices(ctx context.Context, cfg Config, st *store.Store, signer *apptoken.Signer, c *cloud) (*services.Services, error) {
	kv, err := st.KV(ctx, services.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	events, err := st.KV(ctx, services.EventsBucket, store.KVOptions{})
	if err != nil {
		return nil, err
	}
	return services.New(services.Config{
		KV: kv, Events: events, Orders: instances{c, signer}, Conn: st.Conn(), Exchange: c.exchange,
		Gateway: c.name, Trusted: c.trusted, Logger: cfg.Logger.With("component", "services"),
	}), nil
}

// instances implements services.Orders by the API, which makes orders of what operators ask for, and
// the dispatcher.
type instances struct {
	c      *cloud
	signer *apptoken.Signer
}

func (i instances) Submit(ctx context.Context, s *services.Service, id wire.OrderID) error {
	return i.c.api.RunService(ctx, s, id)
}

func (i instances) Start(ctx context.Context, s *services.Service, start *services.Start, kvContext string, id wire.OrderID) error {
	return i.c.api.RunForEvent(ctx, s, start, kvContext, id)
}

func (i instances) Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error) {
	return i.c.dispatcher.Get(ctx, id)
}

func (i instances) Cancel(ctx context.Context, id wire.OrderID, reason string) error {
	return i.c.dispatcher.Cancel(ctx, id, reason)
}

func (i instances) Token(ref wire.Ref) (string, time.Time) {
	return i.signer.Issue(ref.Order, ref.Attempt, appstore.TokenLife), time.Now().Add(appstore.TokenLife)
}
