package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/envelope"
)

// Packages are the installed Apps.
type Packages interface {
	Origin(context.Context, app.Ref, app.Fetch) (app.Origin, error)
	KeepSignature(app.Origin, string) error
}

// Cloud has the packages and their signatures.
type Cloud interface {
	Download(ctx context.Context, sha wire.SHA256, offset int64) (io.ReadCloser, error)
	// Signature returns "" if there is none.
	Signature(ctx context.Context, sha wire.SHA256) (string, error)
}

// Keys open sealed parameters.
type Keys interface {
	Open(envelope.Binding, string) ([]byte, error)
}

// Config of a Guard.
type Config struct {
	Policy *policy.File
	// Environment is the name that the enrollment gave: signatures and sealed parameters are for
	// one Environment, and which this is must not be the cloud's word.
	Environment string
	Replays     *signed.Replays // nil: signed orders are refused
	Keys        Keys            // nil: sealed parameters are refused
	Packages    Packages
	Cloud       Cloud
	Audit       *audit.Log
	Logger      *slog.Logger // nil = discard
}

// Guard is safe for concurrent use.
type Guard struct {
	Config

	whole chan struct{} // has an element while a package is in memory

	mu     sync.Mutex
	state  string               // of the policy, as it was last logged
	signed map[wire.SHA256]mark // who signed an App, as found last
}

// mark is what is known of who signed a package.
type mark struct {
	text  string              // of the signature
	key   signature.PublicKey // that made it, if it is good
	asked time.Time           // when the cloud was asked, and had no signature that counts
}

// New returns a Guard. It reads nothing yet.
func New(c Config) *Guard {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Guard{Config: c, whole: make(chan struct{}, 1), signed: map[wire.SHA256]mark{}}
}

// Codes of orders that do not pass, besides [policy.Denied].
const (
	CodeSignature = "order.signature" // the order's signature is not good
	CodeReplayed  = "order.replayed"  // it was started here before
	CodeSealed    = "order.sealed"    // a sealed parameter cannot be opened
)

// Hints say of each code of a Refusal what it means and what to try, for help.
var Hints = map[string]string{
	policy.Denied: "this server's own policy does not allow the App or the order; the message names the rule, \"tcenvsvr policy show\" on the server has it",
	CodeSignature: "the operator's signature is not good here: another key, Environment or time, or the order was changed; the message says which. Sign the order again",
	CodeReplayed:  "a signed order runs once on a server, and this one was started there before, or the server cannot know; sign a new order under another id",
	CodeSealed:    "a sealed parameter does not open on this server: sealed to others, for another order or Environment, or changed. Seal it again with this server's current key",
}

// Refusal says why an order must not run here.
type Refusal struct {
	Code string
	Rule string // of the policy; "" for the other codes
	Err  error
}

// Error names the rule first: long messages are cut at their end.
func (r *Refusal) Error() string {
	if r.Rule != "" {
		return fmt.Sprintf("policy rule %q: %v", r.Rule, r.Err)
	}
	return r.Err.Error()
}

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Err }

// ErrUnderWay says that another attempt at the signed order has not ended here yet.
var ErrUnderWay = signed.ErrUnderWay

// Look returns the policy as it is now, and logs when it is another one than before.
func (g *Guard) Look() *policy.Policy {
	p := g.Policy.Policy()
	state := p.State()
	g.mu.Lock()
	changed, first := g.state != state, g.state == ""
	g.state = state
	g.mu.Unlock()
	if !changed {
		return p
	}
	v := p.View()
	switch {
	case v.State == "invalid":
		g.Logger.Error("policy cannot be used: every order is denied", "path", g.Policy.Path(), "err", v.Error)
	case v.State == "valid":
		g.Logger.Info("policy is in force", "path", g.Policy.Path(), "sha256", v.SHA256, "rules", len(v.Document.Rules))
	case !first:
		g.Logger.Warn("policy is gone: every order is allowed", "path", g.Policy.Path())
	}
	if !first || v.State != "none" {
		g.Audit.Record(audit.PolicyChanged, "state", v.State, "sha256", v.SHA256, "err", v.Error)
	}
	return p
}

// Recover ends what the memory of signed orders has of an earlier agent and the journal has not: how
// that ended nobody knows. inJournal reports whether the journal knows an order.
func (g *Guard) Recover(inJournal func(wire.Ref) bool) {
	if g == nil || g.Replays == nil {
		return
	}
	if err := g.Replays.Recover(time.Now(), inJournal); err != nil {
		g.Logger.Error("signed orders are refused", "err", err)
	}
}

// Ended notes the end of an attempt; returned: it was given back to the cloud. It is called before
// the journal forgets the order, and may be called again.
func (g *Guard) Ended(ref wire.Ref, outcome wire.Outcome, returned bool) {
	if g == nil {
		return
	}
	if err := g.Replays.Ended(ref, outcome, returned); err != nil {
		g.Logger.Error("the end of a signed order is not noted: other attempts at it are refused", "order", ref.String(), "err", err)
	}
}

// Signed reports why signed orders are refused now; nil if they are not, or if the policy has no
// signers.
func (g *Guard) Signed(p *policy.Policy) error {
	if len(p.Signers()) == 0 {
		return nil
	}
	if g.Environment == "" {
		return errors.New("the enrollment does not say which Environment this server belongs to; enroll it with a fresh bundle")
	}
	return g.Replays.Ready(time.Now())
}
