package agent

import (
	"context"
	"fmt"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order"
)

// look finds out, without much work, whether an order could be taken.
func (a *Agent) look() error {
	if err := a.Journal.Ready(); err != nil { // which logs why not
		return order.HostError(err)
	}
	// A cloud that gives orders and takes no results must not fill memory and disk.
	if now := a.slots.load(); now.outbox > max(wire.MaxHelloRefs, 2*now.total) {
		return &fitness.Error{Code: fitness.Owing, Err: fmt.Errorf("%d results wait for the cloud's acknowledgement, %d may", now.outbox, max(wire.MaxHelloRefs, 2*now.total))}
	}
	bytes, files, err := a.Host.Room()
	if err == nil {
		a.noteRoom(room{bytes, files})
	}
	switch {
	case err != nil:
		return err
	case bytes < a.DiskReserve:
		return &fitness.Error{Code: fitness.NoSpace, Err: fmt.Errorf("%d MB are free for jobs, and %d MB are kept in reserve", bytes>>20, a.DiskReserve>>20)}
	case files < a.FileReserve:
		return &fitness.Error{Code: fitness.NoSpace, Err: fmt.Errorf("%d files (inodes) are free for jobs, and %d are kept in reserve", files, a.FileReserve)}
	}
	return fitness.Touch(a.Folders...)
}

// fit reports whether this host can run Apps, as far as the agent knows.
func (a *Agent) fit() bool { return a.fitness.Problem() == nil }

// probe tries all that an order would need.
func (a *Agent) probe(ctx context.Context) error {
	if a.Probe == nil {
		return nil
	}
	err := a.Probe(ctx)
	if code, is := order.Unfit(err); is {
		return &fitness.Error{Code: code, Err: err}
	}
	return err
}

// fitnessChanged tells the cloud, the log, and last the audit trail, which writes to the disk.
func (a *Agent) fitnessChanged(now *fitness.Problem) {
	a.tellInfo()
	if now == nil {
		a.grant()
		a.Logger.Info("taking orders again: this host can run Apps")
		a.Audit.Record(audit.IntakeResumed)
		return
	}
	a.Logger.Error("taking no orders: this host cannot run Apps now", "code", now.Code, "err", now.Message, "hint", HostHint(now.Code))
	if now.Code != fitness.Stuck { // else this would wait for the disk, too
		a.Audit.Record(audit.IntakePaused, "code", now.Code, "err", now.Message)
	}
}

// tellInfo has the next Info sent now.
func (a *Agent) tellInfo() {
	select {
	case a.wantInfo <- struct{}{}:
	default: // one is on its way already
	}
}
