package proxy

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	// stagger is how long one address of a name may take before the next one is tried beside it.
	stagger = 500 * time.Millisecond
	// maxAddresses is how many addresses of one name are tried.
	maxAddresses = 16
)

// direct connects without a proxy. A name may have several addresses, of which some may be dead:
// all are tried, in random order and overlapping (RFC 8305), and the first one that answers is
// taken. The standard library divides the time among them, so that a dead one would cost half of
// it.
func (d *Dialer) direct(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || network != "tcp" || net.ParseIP(host) != nil {
		return d.net.DialContext(ctx, network, addr)
	}
	ctx, cancel := context.WithTimeout(ctx, d.conf.Timeout)
	defer cancel()
	ips, err := d.lookup(ctx, "ip", host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || len(ips) == 0 {
		return d.net.DialContext(ctx, network, addr) // it names the port, or says what is wrong
	}
	rand.Shuffle(len(ips), func(i, j int) { ips[i], ips[j] = ips[j], ips[i] })
	return d.race(ctx, network, ips[:min(len(ips), maxAddresses)], port)
}

// race connects to the address that answers first. The error is that of the address tried first.
func (d *Dialer) race(ctx context.Context, network string, ips []netip.Addr, port string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
		i    int
	}
	results := make(chan result, len(ips))
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() { // connections that came too late
		cancel()
		wg.Wait()
		close(results)
		for r := range results {
			if r.conn != nil {
				_ = r.conn.Close()
			}
		}
	}()
	var first error
	next := time.NewTimer(0)
	defer next.Stop()
	for begun, ended := 0, 0; ended < len(ips); {
		select {
		case <-next.C:
			if i := begun; i < len(ips) {
				begun++
				next.Reset(stagger)
				wg.Go(func() {
					conn, err := d.net.DialContext(ctx, network, net.JoinHostPort(ips[i].Unmap().String(), port))
					results <- result{conn, err, i}
				})
			}
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			if ended++; r.i == 0 {
				first = r.err
			}
			next.Reset(0)
		}
	}
	return nil, first
}
