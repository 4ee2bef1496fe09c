package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
)

// handler receives what the link receives; *agent.Agent is one.
type handler interface {
	OnWelcome(wire.Welcome)
	OnMessage(wire.Message)
	OnDisconnect(error)
}

// sender is the link.
type sender interface {
	Send(ctx context.Context, m wire.Message) error
	Reconnect()
}

// Renewer stands between link and agent, and renews the certificate.
type Renewer struct {
	handler
	id     *Identity
	audit  *audit.Log
	logger *slog.Logger

	wake chan struct{} // something changed

	mu     sync.Mutex
	renews bool   // there is a session, and the cloud renews
	asked  bool   // an operator asked to renew before it is due
	early  bool   // the certificate begins in the future, by the cloud's clock as by ours
	link   sender // nil until Run
}

// NewRenewer returns a Renewer that passes all messages but those about certificates on to next.
func NewRenewer(id *Identity, next handler, log *audit.Log, logger *slog.Logger) *Renewer {
	return &Renewer{handler: next, id: id, audit: log, logger: logger, wake: make(chan struct{}, 1)}
}

// OnWelcome implements link.Handler.
func (r *Renewer) OnWelcome(w wire.Welcome) {
	switch used, err := r.id.Proved(); {
	case err != nil:
		r.logger.Error("renewed client certificate is not in use", "err", err)
	case used:
		c := r.id.Leaf()
		r.logger.Info("renewed client certificate in use", "serial", c.SerialNumber.Text(16), "expires", c.NotAfter)
		r.audit.Record(audit.CertificateRenewed, "serial", c.SerialNumber.Text(16), "expires", c.NotAfter)
	}
	begins := r.id.Leaf().NotBefore // later than now if the cloud's clock was ahead when it signed the certificate
	r.session(w.Renews, time.Now().Before(begins) && time.UnixMilli(w.ServerTime).Before(begins))
	r.handler.OnWelcome(w)
}

// OnMessage implements link.Handler.
func (r *Renewer) OnMessage(m wire.Message) {
	answer, ok := m.(*wire.Renewed)
	switch {
	case !ok:
		r.handler.OnMessage(m)
	case answer.Problem != "":
		r.logger.Warn("the cloud did not renew the client certificate", "reason", answer.Problem, "expires", r.id.Leaf().NotAfter)
	default:
		if err := r.id.Renewed(answer.Certificate); err != nil {
			r.logger.Error("client certificate was not renewed", "err", err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.link.Reconnect() // with the new one
	}
}

// OnDisconnect implements link.Handler.
func (r *Renewer) OnDisconnect(err error) {
	r.session(false, false)
	r.handler.OnDisconnect(err)
}

// Renew asks for a new certificate now, or as soon as there is a session.
func (r *Renewer) Renew() {
	r.mu.Lock()
	r.asked = true
	r.mu.Unlock()
	r.Wake()
}

func (r *Renewer) session(renews, early bool) {
	r.mu.Lock()
	r.renews, r.early = renews, early
	r.mu.Unlock()
	r.Wake()
}

// Wake makes [Renewer.Run] check again whether renewal is due: the clock was set.
func (r *Renewer) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run asks for a new certificate whenever one is due, until ctx ends. It must have begun before the
// link calls the Renewer.
func (r *Renewer) Run(ctx context.Context, link sender) error {
	r.mu.Lock()
	r.link = link
	r.mu.Unlock()
	var last time.Time
	for {
		r.mu.Lock()
		renews, asked, due := r.renews, r.asked, r.id.due()
		r.asked = asked && !renews
		if r.early {
			due = time.Time{}
		}
		r.mu.Unlock()
		wait := 24 * time.Hour // clocks are set, hosts sleep
		if renews {
			wait = min(wait, max(time.Until(due), time.Until(last.Add(r.id.pause()))))
		}
		if renews && (asked || wait <= 0) {
			last = time.Now()
			r.ask(ctx, link)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-r.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (r *Renewer) ask(ctx context.Context, link sender) {
	m, err := r.id.Request()
	if err == nil {
		err = link.Send(ctx, m)
	}
	if err != nil {
		r.logger.Warn("asking for a new client certificate failed", "err", err)
		return
	}
	r.logger.Info("asked for a new client certificate", "expires", r.id.Leaf().NotAfter)
}
