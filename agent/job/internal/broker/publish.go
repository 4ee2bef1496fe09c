package broker

import (
	"github.com/mochi-mqtt/server/v2/packets"
)

// Publish sends a message to the App, after those before it. It returns at once: false if the App does
// not listen, or does not read what waits for it.
func (b *Broker) Publish(payload []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.to == nil || len(b.queue) >= maxMessages || b.bytes+len(payload) > maxQueued {
		return false
	}
	b.queue = append(b.queue, payload)
	b.bytes += len(payload)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// deliver writes what waits until Close. The App has subscribed, so the library need not look for
// subscribers.
func (b *Broker) deliver() {
	for {
		select {
		case <-b.done:
			return
		case <-b.wake:
		}
		for {
			b.mu.Lock()
			to := b.to
			if to == nil || len(b.queue) == 0 {
				b.mu.Unlock()
				break
			}
			payload := b.queue[0]
			b.queue[0] = nil
			b.queue = b.queue[1:]
			b.bytes -= len(payload)
			b.mu.Unlock()
			pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish}, TopicName: b.Listens, Payload: payload}
			if err := to.WritePacket(pk); err != nil {
				to.Stop(err) // a part of it may be on its way
			}
		}
	}
}
