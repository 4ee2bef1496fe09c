package order

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

const (
	// installTimeout bounds how long an App's download is tried again when the order itself has no
	// limit for its start.
	installTimeout = 15 * time.Minute
	// startTimeout is how long a session may leave a held order without an answer: a cloud that
	// knows the order answers at once.
	startTimeout = 10 * time.Minute
)

// errTooLate means that Order.StartWithinMS has passed.
var errTooLate = errors.New("the order came too late: its time to start has passed")

// app is the App that the order runs, as the catalog knows it.
func (o *Order) app() app.Ref {
	a := o.spec.App
	return app.Ref{Name: a.Name, Version: a.Version, SHA256: string(a.SHA256), Size: a.Size}
}

// prepare installs the App and waits for the cloud's permission to start it.
func (o *Order) prepare(ctx context.Context) (app.App, error) {
	limited, cancel := context.WithTimeout(ctx, o.installTimeout())
	defer cancel()
	if err := o.pass.Fetched(limited); err != nil {
		return app.App{}, err
	}
	installed, err := o.install(ctx, limited, o.app())
	if err == nil {
		err = o.pass.Installed(limited, installed)
	}
	if err == nil {
		err = o.awaitStart(ctx)
	}
	return installed, err
}

// installTimeout bounds how long the order waits for its App.
func (o *Order) installTimeout() time.Duration {
	if o.spec.StartWithinMS > 0 {
		return time.Duration(o.spec.StartWithinMS) * time.Millisecond
	}
	return installTimeout
}

// install makes the App available and tries again after a temporary failure, until limited ends.
func (o *Order) install(ctx, limited context.Context, ref app.Ref) (app.App, error) {
	fetch := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return o.c.Cloud.Download(ctx, wire.SHA256(ref.SHA256), offset)
	}
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		installed, err := o.c.Apps.Install(limited, ref, fetch)
		if err == nil || permanent(err) {
			return installed, err
		}
		if _, is := Unfit(err); is { // another server may have room
			return app.App{}, err
		}
		if ctx.Err() != nil {
			return app.App{}, context.Cause(ctx)
		}
		o.c.Logger.Warn("App is not ready yet", "order", o.ref.String(), "app", ref.Name, "err", err)
		select {
		case <-limited.Done():
			return app.App{}, err
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

// permanent reports failures that another try would only repeat.
func permanent(err error) bool {
	if s, ok := errors.AsType[*cloud.StatusError](err); ok && !s.Temporary() {
		return true // the cloud does not have the App, or does not know our token
	}
	e, ok := errors.AsType[*app.Error](err)
	return ok && !e.Temporary()
}

// AllowStart lets a held order start.
func (o *Order) AllowStart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	closeOnce(o.start)
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// awaitStart asks for permission to start, in every session anew, and waits for it.
func (o *Order) awaitStart(ctx context.Context) error {
	for {
		s := o.c.Sessions.wait(ctx)
		if s == nil {
			return context.Cause(ctx)
		}
		o.send(ctx, &wire.Ready{Ref: o.ref})
		select {
		case <-o.start:
			return nil
		case <-s.lost:
		case <-time.After(startTimeout):
			return errTooLate
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
