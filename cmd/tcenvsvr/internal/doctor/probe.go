package doctor

import (
	"context"
	"errors"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// probe asks the broker by one transport whether it would open a session. It
// opens none, so a running agent of the same identity is not disturbed. Without secrets
// it goes as far as that can be tried: the handshake.
func (p *patient) probe(ctx context.Context, transport string) said {
	if s := p.unreachable(); s != nil {
		return *s
	}
	if p.settings.BrokerToken.Sealed() || p.identity == nil {
		alpn := wire.ALPN
		if transport == link.TransportWebSocket {
			alpn = wire.ALPNWebSocket
		}
		s := p.handshake(ctx, p.settings.BrokerAddr(), []string{alpn})
		if s.Verdict == OK {
			s.Found = "only the TLS handshake could be tried: " + s.Found
		}
		return s
	}
	s := p.settings
	s.QueueTransport = transport
	ctx, cancel := context.WithTimeout(ctx, hop)
	defer cancel()
	environment, err := enroll.Broker(ctx, s, p.identity.Current(), enroll.Route{Roots: p.roots, Dialer: p.dialer, Version: p.Version})
	if f, isFault := errors.AsType[*fault.Fault](err); isFault {
		return fail(f.Hint, "%s (%s) %s", f, f.Code, p.via())
	}
	if err != nil {
		return fail("see the log of the cloud's broker", "%s", oneLine(err))
	}
	return ok("the broker takes this server for Environment %q, %s", environment, p.via())
}
