package proxytest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// Options of a proxy.
type Options struct {
	// Username and Password are demanded where Username is not empty.
	Username, Password string
	// TLS makes an https:// proxy of an HTTP one.
	TLS *tls.Config
	// Offer replaces the challenges of an HTTP proxy's 407.
	Offer []string
	// After407 is called when an HTTP proxy has sent its 407. Where it returns true the connection
	// is closed, of which the 407 said nothing.
	After407 func(c net.Conn, br *bufio.Reader) (hangUp bool)
	// Hosts maps names to the addresses the proxy dials for them ("host:port" or "host"); names not
	// in it are dialed as they are.
	Hosts map[string]string
}

// Proxy is a running proxy.
type Proxy struct {
	scheme string
	opts   Options
	l      net.Listener

	mu       sync.Mutex
	closed   bool
	conns    map[net.Conn]bool
	targets  []string
	requests int
	wg       sync.WaitGroup
}

// start serves each connection by handle until the test ends.
func start(tb testing.TB, scheme string, o Options, handle func(*Proxy, net.Conn)) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{scheme: scheme, opts: o, l: l, conns: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if o.TLS != nil {
				c = tls.Server(c, o.TLS)
			}
			p.wg.Go(func() {
				defer p.forget(c)
				if p.keep(c) {
					handle(p, c)
				}
			})
		}
	})
	tb.Cleanup(p.Close)
	return p
}

// URL is the proxy's address with its scheme, for proxy.Config.Host.
func (p *Proxy) URL() string { return p.scheme + "://" + p.l.Addr().String() }

// Targets are the tunnels opened, as they were asked for.
func (p *Proxy) Targets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.targets)
}

// Requests counts CONNECT requests and SOCKS greetings, refused ones too.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Close ends the proxy and all its tunnels. It is called at the test's end.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	_ = p.l.Close()
	p.wg.Wait()
}

func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[c] = true
	}
	return !p.closed
}

func (p *Proxy) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
}

// dial reaches the target of a tunnel and notes it.
func (p *Proxy) dial(target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	addr := target
	if to, ok := p.opts.Hosts[host]; ok {
		addr = to
		if _, _, err := net.SplitHostPort(to); err != nil {
			addr = net.JoinHostPort(to, port)
		}
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.targets = append(p.targets, target)
	p.mu.Unlock()
	return c, nil
}

// pipe carries bytes both ways until either side ends.
func (p *Proxy) pipe(client net.Conn, fromClient io.Reader, target net.Conn) {
	defer p.forget(target)
	if !p.keep(target) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(target, fromClient)
		_ = target.Close()
	}()
	_, _ = io.Copy(client, target)
	_ = client.Close()
	<-done
}
