package test

import (
	"net"
	"sync"
	"testing"
)

// A direction of what passes through a relay.
type direction int

const (
	up   direction = iota // agent to cloud
	down                  // cloud to agent
)

// relay stands between agents and a cloud and spoils connections on demand.
type relay struct {
	l      net.Listener
	target string
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	pairs  map[*pair]bool
	armed  bool // cut when left more bytes have passed in dir
	dir    direction
	left   int
	cuts   int
}

// pair is one connection on both its sides.
type pair struct {
	r      *relay
	ends   [2]net.Conn // the agent's, the cloud's
	frozen [2]chan struct{}
	gone   chan struct{}
	once   sync.Once
}

// newRelay passes on what comes to addr, e.g. "127.0.0.1:0", until the test ends.
func newRelay(t *testing.T, addr, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, target: target, pairs: map[*pair]bool{}}
	r.wg.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) addr() string { return r.l.Addr().String() }

// cutAfter ends whatever connection carries the n-th byte from now on, right after that byte.
func (r *relay) cutAfter(d direction, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed, r.dir, r.left = true, d, n
}

// cutsDone counts connections that were cut.
func (r *relay) cutsDone() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cuts
}

// freeze lets nothing more pass in these directions of today's connections, and does not close
// them. Later connections are not concerned.
func (r *relay) freeze(directions ...direction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		for _, d := range directions {
			p.frozen[d] = make(chan struct{}) // never closed
		}
	}
}

func (r *relay) close() {
	r.mu.Lock()
	r.closed = true
	for p := range r.pairs {
		go p.close()
	}
	r.mu.Unlock()
	_ = r.l.Close()
	r.wg.Wait()
}

func (r *relay) accept() {
	for {
		agent, err := r.l.Accept()
		if err != nil {
			return
		}
		cloud, err := net.Dial("tcp", r.target)
		if err != nil { // the cloud is down: so are we
			_ = agent.Close()
			continue
		}
		p := &pair{r: r, ends: [2]net.Conn{agent, cloud}, gone: make(chan struct{})}
		r.mu.Lock()
		r.pairs[p] = true
		closed := r.closed
		r.mu.Unlock()
		if closed {
			p.close()
			return
		}
		r.wg.Go(func() { p.pass(up) })
		r.wg.Go(func() { p.pass(down) })
	}
}

// pass copies one direction.
func (p *pair) pass(d direction) {
	defer p.close()
	from, to := p.ends[d], p.ends[1-d]
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		n, cut, frozen := p.r.decide(p, d, n)
		if frozen != nil {
			select {
			case <-frozen:
			case <-p.gone:
			}
			return
		}
		if _, writeErr := to.Write(buf[:n]); cut || err != nil || writeErr != nil {
			return
		}
	}
}

// decide decides how many of n bytes may pass, and what happens then.
func (r *relay) decide(p *pair, d direction, n int) (pass int, cut bool, frozen chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.frozen[d] != nil {
		return 0, false, p.frozen[d]
	}
	if !r.armed || r.dir != d || n == 0 {
		return n, false, nil
	}
	if n < r.left {
		r.left -= n
		return n, false, nil
	}
	r.armed = false
	r.cuts++
	return r.left, true, nil
}

func (p *pair) close() {
	p.once.Do(func() {
		close(p.gone)
		for _, c := range p.ends {
			_ = c.Close()
		}
		p.r.mu.Lock()
		delete(p.r.pairs, p)
		p.r.mu.Unlock()
	})
}
