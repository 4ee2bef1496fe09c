package doctor

import (
	"context"
	"errors"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

func brokerRaw(ctx context.Context, t *target) outcome { return t.probe(ctx, link.TransportRaw) }

func brokerWebSocket(ctx context.Context, t *target) outcome {
	return t.probe(ctx, link.TransportWebSocket)
}

// probe asks the broker by one transport whether it would open a session. It opens none, so it does
// not disturb a running agent of the same identity. Without secrets it can only try the handshake.
func (t *target) probe(ctx context.Context, transport string) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	if t.settings.BrokerToken.Sealed() || t.identity == nil {
		alpn := wire.ALPN
		if transport == link.TransportWebSocket {
			alpn = wire.ALPNWebSocket
		}
		s := t.brokerHandshake(ctx, alpn)
		if s.Verdict == OK {
			s.Found = "only the TLS handshake could be tried: " + s.Found
		}
		return s
	}
	s := t.settings
	s.QueueTransport = transport
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	environment, err := enroll.Broker(ctx, s, t.identity.Current(), enroll.Route{Roots: t.roots, Dialer: t.dialer, Version: t.Version})
	if f, isFault := errors.AsType[*fault.Fault](err); isFault {
		return t.failed(f)
	}
	if err != nil {
		return fail("see the log of the cloud's broker", "%s", oneLine(err))
	}
	return ok("the broker takes this server for Environment %q, %s", environment, t.via())
}
