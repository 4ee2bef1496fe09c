package doctor

import (
	"context"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/wire"
)

// probe goes as far as a transport can be tried without a session.
func (p *patient) probe(ctx context.Context, transport string) said {
	alpn := wire.ALPN
	if transport == link.TransportWebSocket {
		alpn = wire.ALPNWebSocket
	}
	return p.chain(ctx, p.settings.BrokerAddr(), []string{alpn})
}
