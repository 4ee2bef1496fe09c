package cloud

import (
	"context"
	"errors"
	"path/filepath"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openPlatform opens what stands in for Apps' platform.
func openPlatform(ctx context.Context, cfg Config, st *store.Store, c *cloud, k *catalogParts) (*platform.Platform, error) {
	records, err := st.KV(ctx, artifact.RecordsBucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	content, err := st.Objects(ctx, artifact.ContentBucket)
	if err != nil {
		return nil, err
	}
	data, err := st.KV(ctx, datastore.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	metrics, err := st.KV(ctx, platform.MetricsBucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	k.artifacts, err = artifact.Open(artifact.Config{
		Records: records, Content: content, Dir: filepath.Join(cfg.Data, "artifacts"), Trusted: c.trusted,
		Room: func(bytes int64) error { return checkSpace(cfg.Data, bytes) }, Bytes: st.Share(8, 16<<30),
	})
	if err != nil {
		return nil, err
	}
	c.sweeps = append(c.sweeps, func(ctx context.Context) error {
		return k.artifacts.Sweep(ctx, c.over(ctx), st.Trim)
	})
	return platform.New(platform.Config{
		Execution: k.apps.Execution, Artifacts: k.artifacts, Data: datastore.New(data), Metrics: metrics,
		Intake: func() error {
			if h := c.health.Report(); !h.Intake() {
				return errors.New(h.Worst().Text)
			}
			return nil
		},
		Logger: cfg.Logger.With("component", "platform"),
	}), nil
}

// over returns a function that reports whether an order has ended, or is not known any more.
func (c *cloud) over(ctx context.Context) func(wire.OrderID) bool {
	return func(id wire.OrderID) bool {
		e, err := c.dispatcher.Get(ctx, id)
		return err == nil && e.Terminal() || errors.Is(err, dispatch.ErrNotFound)
	}
}
