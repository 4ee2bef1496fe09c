package broker

import (
	"crypto/subtle"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is what of the protocol is the broker's own.
type hook struct {
	mqtt.HookBase
	b *Broker
}

func (h *hook) ID() string { return "service" }

func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnSubscribed, mqtt.OnUnsubscribed:
		return true
	}
	return false
}

// OnConnect leaves nothing of a connection that would outlive it.
func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	if cl.Properties.ProtocolVersion > 4 {
		_ = h.b.server.SendConnack(cl, packets.ErrUnsupportedProtocolVersion, false, nil)
		return packets.ErrUnsupportedProtocolVersion
	}
	cl.Properties.Clean, cl.Properties.Will = true, mqtt.Will{}
	return nil
}

// OnConnectAuthenticate admits the one that has the token. TcEx sends an empty user name, others none.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	if subtle.ConstantTimeCompare(pk.Connect.Password, []byte(h.b.endpoint.Token)) != 1 {
		return false
	}
	return h.b.admit(cl.Net.Conn.(*conn), cl)
}

func (h *hook) OnACLCheck(_ *mqtt.Client, topic string, write bool) bool {
	if write {
		return topic == h.b.Said
	}
	return topic == h.b.Listens
}

func (h *hook) OnSubscribed(cl *mqtt.Client, _ packets.Packet, codes []byte) {
	for _, code := range codes {
		if code <= packets.CodeGrantedQos2.Code {
			h.b.listens(cl.Net.Conn.(*conn), cl)
		}
	}
}

func (h *hook) OnUnsubscribed(cl *mqtt.Client, pk packets.Packet) {
	for _, f := range pk.Filters {
		if f.Filter == h.b.Listens {
			h.b.listens(cl.Net.Conn.(*conn), nil)
		}
	}
}

// OnPublish takes the message; nobody else gets it.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	h.b.Message(pk.Payload, pk.FixedHeader.Dup, pk.FixedHeader.Qos > 0)
	return pk, packets.CodeSuccessIgnore
}
