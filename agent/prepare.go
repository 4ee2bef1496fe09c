package agent

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/wire"
)

// installPatience bounds how long an App's download is tried again when
// the order itself has no limit for its start.
const installPatience = 15 * time.Minute

// install makes the App available, trying again where the failure is of
// the moment.
func (o *order) install(ref app.Ref) (app.App, error) {
	patience := installPatience
	if o.spec.StartWithinMS > 0 {
		patience = time.Duration(o.spec.StartWithinMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(o.ctx, patience)
	defer cancel()
	fetch := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return o.a.Cloud.Download(ctx, wire.SHA256(ref.SHA256), offset)
	}
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		installed, err := o.a.Apps.Install(ctx, ref, fetch)
		if err == nil || permanent(err) {
			return installed, err
		}
		if _, is := unfit(err); is { // others may have room
			return app.App{}, err
		}
		if o.ctx.Err() != nil {
			return app.App{}, context.Cause(o.ctx)
		}
		o.a.Logger.Warn("App is not ready yet", "order", o.ref.String(), "app", ref.Name, "err", err)
		select {
		case <-ctx.Done():
			return app.App{}, err
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

// permanent tells failures that another try would only repeat.
func permanent(err error) bool {
	if s, ok := errors.AsType[*cloud.StatusError](err); ok && !s.Temporary() {
		return true // the cloud does not have the App, or does not know our token
	}
	e, ok := errors.AsType[*app.Error](err)
	return ok && !e.Temporary()
}
