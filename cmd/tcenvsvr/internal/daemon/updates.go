package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/updater"
	"tcenvsvr/updater/download"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
)

// updates is the agent's side of self-update. It is nil if the package came without a root of
// trust: then nothing can be verified, so the cloud is not asked for updates.
type updates struct {
	*updater.Updater
	d *daemon
}

func (d *daemon) newUpdates(cloud *cloud.Client) (*updates, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	at := handover.PathsFor(d.paths.Home, self)
	root, err := os.ReadFile(at.Root)
	if errors.Is(err, fs.ErrNotExist) {
		d.logger.Debug("no self-update: this installation has no root of trust", "file", at.Root)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the root of trust of updates: %w", err)
	}
	u := &updates{d: d}
	client := cloud.HTTP()
	u.Updater = updater.New(updater.Config{
		Version: d.Version, OS: runtime.GOOS, Arch: runtime.GOARCH, Program: self,
		Inbox: at.Inbox, Status: at.Status,
		Metadata: metadata.Client{Root: root, Built: d.Built, Source: metadata.HTTP{Client: client, URL: cloud.UpdatesURL() + "/metadata"}},
		Fetch:    download.Fetcher{Client: client, URL: cloud.UpdatesURL() + "/targets"},
		Director: director{cloud}, Policy: u.policy, Restart: u.restart, Report: u.report,
		Logger: d.logger.With("component", "updater"),
	})
	return u, nil
}

// Run runs the updater, and tells it when the agent has proved itself by a session with the cloud.
func (u *updates) Run(ctx context.Context) error {
	if u == nil {
		return nil
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		u.watchSession(ctx)
	}()
	defer func() { <-watched }()
	return u.Updater.Run(ctx)
}

// watchSession waits for the first session with the cloud.
func (u *updates) watchSession(ctx context.Context) {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		if u.d.link.State().Connected {
			u.Healthy()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (u *updates) policy() updater.Policy {
	s := u.d.live.settings()
	window, err := updater.ParseWindow(s.UpdateWindow)
	if err != nil { // settings have refused what cannot be read
		u.d.logger.Error("updateWindow is not used", "err", err)
	}
	return updater.Policy{Mode: updater.Mode(s.UpdateMode), Window: window, Rate: s.UpdateRate * 1000}
}

func (u *updates) restart(reason string) {
	u.d.logger.Info("restarting", "reason", reason)
	u.d.agent.Restart()
}

func (u *updates) report(act string, attrs ...slog.Attr) {
	args := make([]any, len(attrs))
	for i, a := range attrs {
		args[i] = a
	}
	u.d.audit.Record(audit.Act(act), args...)
}

// info is what the cloud is told about updates; nil if this host does not update itself.
func (u *updates) info() *wire.Update {
	if u == nil {
		return nil
	}
	s := u.Summary()
	return &wire.Update{Mode: s.Mode, Phase: s.Phase, Wanted: s.Wanted, Failed: s.Failed, Reason: s.Reason}
}

// director asks the cloud.
type director struct{ *cloud.Client }

func (c director) Wanted(ctx context.Context) (updater.Wanted, error) {
	w, err := c.Client.Wanted(ctx)
	return updater.Wanted{Version: w.Version, Wait: time.Duration(w.WaitMS) * time.Millisecond, Reason: w.Reason}, err
}

// errNoUpdates is the answer to requests about updates if there is no updater.
var errNoUpdates = errors.New("this installation does not update itself: its package has no root of trust")

func (d *daemon) checkUpdates(_ context.Context, c controlapi.Check) (any, error) {
	if d.updates == nil {
		return nil, errNoUpdates
	}
	d.updates.Check(c.Apply)
	return d.updates.Progress(), nil
}

func (d *daemon) updateProgress(context.Context, []byte) (any, error) {
	if d.updates == nil {
		return nil, errNoUpdates
	}
	return d.updates.Progress(), nil
}

// imported applies a release that was put into the inbox by hand.
func (d *daemon) imported(_ context.Context, version string) (any, error) {
	if d.updates == nil {
		return nil, errNoUpdates
	}
	d.updates.Import(version)
	return nil, nil
}
