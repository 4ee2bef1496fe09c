package proxy

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// TestSeveralAddresses: of a name with several addresses each one is used, and dead ones cost next
// to nothing, whether they refuse or are silent.
func TestSeveralAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	silent := func(_, addr string) bool { host, _, _ := net.SplitHostPort(addr); return host == "192.0.2.1" }
	for name, ips := range map[string][]string{
		"one":           {"127.0.0.1"},
		"some refuse":   {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"},
		"one is silent": {"192.0.2.1", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(Config{Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			d.net.ControlContext = func(ctx context.Context, network, addr string, _ syscall.RawConn) error {
				if silent(network, addr) { // as a firewall that drops packets
					<-ctx.Done()
				}
				return ctx.Err()
			}
			d.net.Control = nil
			d.lookup = func(context.Context, string, string) (all []netip.Addr, err error) {
				for _, ip := range ips {
					all = append(all, netip.MustParseAddr(ip))
				}
				return all, nil
			}
			for range 8 { // in random order
				start := time.Now()
				c, err := d.DialContext(t.Context(), "tcp", "cloud.example:"+port)
				if err != nil {
					t.Fatal(err)
				}
				if got := c.RemoteAddr().String(); got != l.Addr().String() {
					t.Errorf("connected to %s", got)
				}
				_ = c.Close()
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("a dead address cost %s", took)
				}
			}
		})
	}
	t.Run("all refuse", func(t *testing.T) {
		d, _ := New(Config{})
		d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}, nil
		}
		if _, err := d.DialContext(t.Context(), "tcp", "cloud.example:"+port); DialReason(err) != "refused" {
			t.Errorf("got %v", err)
		}
	})
}
