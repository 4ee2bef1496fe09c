package retention

import "github.com/nats-io/nats.go/jetstream"

// Pruner removes what is too old or too much. It is safe for concurrent use once Trust was called.
type Pruner struct {
	js       jetstream.JetStream
	removing func(stream string, n int, remove func() error) error
	clock    func() bool // nil: always trusted
}

// New returns a Pruner that trusts the clock. removing must call remove after it has noted that a
// stream is about to lose n messages, so that nobody takes that for damage.
func New(js jetstream.JetStream, removing func(stream string, n int, remove func() error) error) *Pruner {
	return &Pruner{js: js, removing: removing}
}

// Trust sets how to know whether this host's clock tells the age of what is stored. It must be
// called before Trim and Expire are.
func (p *Pruner) Trust(clock func() bool) { p.clock = clock }

// trusted reports whether anything may be removed for its age.
func (p *Pruner) trusted() bool { return p.clock == nil || p.clock() }
