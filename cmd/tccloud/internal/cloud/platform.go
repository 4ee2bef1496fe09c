package cloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/pace"
	"tcenvsvr/cmd/tccloud/internal/platform"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
	"tcenvsvr/cmd/tccloud/internal/platform/datastore"
	"tcenvsvr/cmd/tccloud/internal/platform/requests"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// platformParts answer what Apps ask of their platform.
type platformParts struct {
	serve     func(http.ResponseWriter, *http.Request, api.Session)
	artifacts *artifact.Store
	requests  requests.Log
	own       *platform.Platform // answers unless there is a real one
}

// openPlatform opens what stands in for Apps' platform, or what passes requests on to a real one.
func openPlatform(ctx context.Context, cfg Config, st *store.Store, c *cloud, apps *appstore.Store) (*platformParts, error) {
	own, artifacts, err := openOwnPlatform(ctx, cfg, st, c, apps)
	if err != nil {
		return nil, err
	}
	if _, err := st.Stream(ctx, st.Relaxed(requests.StreamConfig())); err != nil {
		return nil, err
	}
	p := &platformParts{own.Serve, artifacts, requests.Log{JS: st.JS()}, own}
	c.sweeps = append(c.sweeps, c.byKeeper(func(ctx context.Context) error { return st.Expire(ctx, requests.Stream, cfg.keep()) }))
	if cfg.Platform == nil {
		return p, nil
	}
	to, log := *cfg.Platform, cfg.Logger.With("component", "platform")
	to.Logger = log
	to.Passed = func(ctx context.Context, run string, r upstream.Passed) {
		ref, err := appstore.Ref(api.Session{ID: run})
		if err == nil {
			err = p.requests.Add(ctx, ref, r)
		}
		log.Debug("request passed on to the platform", "order", ref.Order, "method", r.Method, "path", r.Path, "status", r.Status, "sent", r.Sent, "received", r.Received)
		if err != nil {
			log.Warn("a request to the platform is not remembered", "order", ref.Order, "err", err)
		}
	}
	instance, err := upstream.New(to)
	if err != nil {
		return nil, err
	}
	log.Info("requests of Apps are passed on to the platform", "host", instance.Host())
	p.serve = func(w http.ResponseWriter, r *http.Request, s api.Session) {
		paced := *r
		paced.Body = pacedBody{pace.NewReader(w, r.Body), r.Body}
		instance.Serve(w, &paced, s.ID)
	}
	return p, nil
}

// pacedBody may take long, and not stand still.
type pacedBody struct {
	*pace.Reader
	io.Closer
}

func openOwnPlatform(ctx context.Context, cfg Config, st *store.Store, c *cloud, apps *appstore.Store) (*platform.Platform, *artifact.Store, error) {
	records, err := st.KV(ctx, artifact.RecordsBucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, nil, err
	}
	content, err := st.Objects(ctx, artifact.ContentBucket)
	if err != nil {
		return nil, nil, err
	}
	data, err := st.KV(ctx, datastore.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, nil, err
	}
	metrics, err := st.KV(ctx, platform.MetricsBucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, nil, err
	}
	tenants, err := st.KV(ctx, platform.TenantsBucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, nil, err
	}
	artifacts, err := artifact.Open(artifact.Config{
		Records: records, Content: content, Dir: filepath.Join(cfg.Data, "artifacts"), Trusted: c.trusted,
		Room: func(bytes int64) error { return checkSpace(cfg.Data, bytes) }, Bytes: st.Share(8, 16<<30),
		Life: cfg.keep(), Keeper: c.dispatcher.Keeper,
	})
	if err != nil {
		return nil, nil, err
	}
	c.sweeps = append(c.sweeps, func(ctx context.Context) error {
		return artifacts.Sweep(ctx, c.over(ctx), st.Trim)
	})
	c.sweeps = append(c.sweeps, c.byKeeper(func(ctx context.Context) error {
		_, err := st.Trim(ctx, platform.MetricsBucket, retention.Bound{Age: metricsFor}, func(string, []byte) bool { return true })
		return err
	}))
	own := platform.New(platform.Config{
		Execution: apps.Execution, Artifacts: artifacts, Data: datastore.New(data), Metrics: metrics, Tenants: tenants,
		Intake: func() error {
			if h := c.health.Report(); !h.Intake() {
				return errors.New(h.Worst().Text)
			}
			return nil
		},
		Logger: cfg.Logger.With("component", "platform"),
	})
	c.sweeps = append(c.sweeps, func(ctx context.Context) error {
		return own.Forget(ctx, c.hasEnvironment, c.dispatcher.Keeper())
	}, c.byKeeper(func(ctx context.Context) error { // the marks of what was removed
		var errs []error
		for _, bucket := range []string{platform.TenantsBucket, datastore.Bucket} {
			_, err := st.Trim(ctx, bucket, retention.Bound{Age: marksFor}, none)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}))
	return own, artifacts, nil
}

// over returns a function that reports whether an order has ended, or is not known any more.
func (c *cloud) over(ctx context.Context) func(wire.OrderID) bool {
	return func(id wire.OrderID) bool {
		e, err := c.dispatcher.Get(ctx, id)
		return err == nil && e.Terminal() || errors.Is(err, dispatch.ErrNotFound)
	}
}
