package broker

import (
	"errors"
	"net"
	"slices"
	"time"
)

const (
	acceptAgain = 50 * time.Millisecond
	maxArrived  = 1024                  // connections that wait for the doorkeeper; more wait in the kernel
	crowdRest   = 10 * time.Millisecond // of the doorkeeper, while there is a crowd
)

// peer is the other end of a connection of this host.
type peer struct {
	uid    int
	socket uint64 // its number, as in /proc/PID/fd; 0: nobody holds it any more
}

func (b *Broker) accept() {
	for {
		c, err := b.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			close(b.arrived)
			return
		}
		if err != nil { // somebody uses up all descriptors, for a while
			time.Sleep(acceptAgain)
			continue
		}
		b.arrived <- c
	}
}

// doorkeeper lets those begin who may try to log in, all that have come at a time.
func (b *Broker) doorkeeper() {
	for c := range b.arrived {
		come := []net.Conn{c}
		for more := true; more && len(come) < maxArrived; {
			select {
			case c, open := <-b.arrived:
				if more = open; open {
					come = append(come, c)
				}
			default:
				more = false
			}
		}
		if b.admitAll(come) {
			select {
			case <-time.After(crowdRest):
			case <-b.done:
			}
		}
	}
}

// admitAll begins with those of the App's user. Where they are more than may be under way, another App of that user
// may be keeping ours out: then only those stay that a process of our App holds.
func (b *Broker) admitAll(come []net.Conn) (crowd bool) {
	peers := peersOf(b.endpoint.Port)
	come = drop(come, func(c net.Conn) bool {
		p, known := peers[c.RemoteAddr().String()]
		return known && p.uid != b.uid || b.closed()
	})
	b.mu.Lock()
	crowd, own := len(b.login)+len(come) > maxPending, b.own
	b.mu.Unlock()
	if crowd && own != nil && peers != nil {
		if sockets := own(); len(sockets) > 0 { // else they cannot be looked at
			others := func(c net.Conn) bool { return !sockets[peers[c.RemoteAddr().String()].socket] }
			come = drop(come, others)
			b.mu.Lock()
			b.login = drop(b.login, others)
			b.mu.Unlock()
		}
	}
	for _, c := range come {
		b.begin(c)
		go b.serve(c)
	}
	return crowd
}

func (b *Broker) closed() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// drop ends the connections that are none of ours.
func drop(list []net.Conn, others func(net.Conn) bool) []net.Conn {
	return slices.DeleteFunc(list, func(c net.Conn) bool {
		other := others(c)
		if other {
			_ = c.Close()
		}
		return other
	})
}

// begin notes a connection that has not shown the token yet. Too many cost the oldest its place: a login takes
// milliseconds, and those that only hold a place must not keep the App out.
func (b *Broker) begin(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.login = append(b.login, c); len(b.login) > maxPending {
		_ = b.login[0].Close()
		b.login = b.login[1:]
	}
}

// begun forgets it. b.mu is held.
func (b *Broker) begun(c net.Conn) {
	b.login = slices.DeleteFunc(b.login, func(o net.Conn) bool { return o == c })
}
