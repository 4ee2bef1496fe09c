package port_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
)

// choppy is a connection whose writes arrive in pieces.
type choppy struct {
	net.Conn
	r *rand.Rand
}

func (c choppy) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var m int
		m, err = c.Conn.Write(b[:min(len(b), 1+c.r.IntN(3000))])
		n, b = n+m, b[m:]
	}
	return n, err
}

// serve opens a port, whose connections go to handle, and returns a connection to it.
func serve(t *testing.T, handle port.Handler) *tls.Conn {
	t.Helper()
	ca := rig.NewCA(t)
	p, err := port.Listen(port.Config{
		Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{ca.Server}}, HTTP: http.NotFoundHandler(),
		HandshakeTimeout: rig.Timeout, MaxPending: 10, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, handle, func() {}) }()
	nc, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return tls.Client(choppy{nc, rand.New(rand.NewPCG(1, 2))}, &tls.Config{
		RootCAs: ca.Pool, ServerName: "127.0.0.1", NextProtos: []string{wire.ALPN},
	})
}

// TestFrames: frames arrive whole and in order, however they are spread over records and packets,
// by a reader that never waits in crypto/tls for a record to begin.
func TestFrames(t *testing.T) {
	frames := make(chan []byte)
	c := serve(t, func(_ context.Context, c *port.Conn, _ bool) {
		defer close(frames)
		defer c.Net.Close()
		for {
			frame, err := c.ReadFrame()
			switch {
			case errors.Is(err, port.ErrIdle):
				c.Wait()
			case err != nil:
				return
			default:
				frames <- frame
			}
		}
	})
	r := rand.New(rand.NewPCG(3, 4))
	var all bytes.Buffer
	var want [][]byte
	for range 300 {
		frame := bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN([]int{20, 2000, 60_000}[r.IntN(3)]))
		want = append(want, frame)
		if err := wire.WriteFrame(&all, frame); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for all.Len() > 0 { // some records have several frames, some a part of one
			if _, err := c.Write(all.Next(1 + r.IntN(40_000))); err != nil {
				t.Error(err)
				return
			}
		}
		c.Close()
	}()
	for i, w := range want {
		if got, ok := <-frames; !ok || !bytes.Equal(got, w) {
			t.Fatalf("frame %d: got %d bytes, want %d", i, len(got), len(w))
		}
	}
	if _, more := <-frames; more {
		t.Error("there are more frames than were sent")
	}
}

// TestHalfARecord: who sends a part of a record or of a frame meets the deadline for it.
func TestHalfARecord(t *testing.T) {
	for name, send := range map[string]func(c *tls.Conn) error{
		"nothing": func(*tls.Conn) error { return nil },
		"the head of a record": func(c *tls.Conn) error {
			_, err := c.NetConn().Write([]byte{23, 3, 3, 1, 0})
			return err
		},
		"the head of a frame": func(c *tls.Conn) error { _, err := c.Write([]byte{0, 0, 0, 9, '{'}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			c := serve(t, func(_ context.Context, c *port.Conn, _ bool) {
				defer c.Net.Close()
				_ = c.Net.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
				for {
					_, err := c.ReadFrame()
					if !errors.Is(err, port.ErrIdle) {
						ended <- err
						return
					}
					c.Wait()
				}
			})
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			if err := send(c); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
		})
	}
}

// TestBrowser: a browser, which would ask its user for a certificate, is not asked for one; an agent is.
func TestBrowser(t *testing.T) {
	for alpn, want := range map[string]bool{"h2": false, wire.ALPN: true, wire.ALPNWebSocket: true} {
		c := serve(t, func(_ context.Context, c *port.Conn, _ bool) { c.Net.Close() })
		asked := false
		config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn, wire.ALPNWebSocket}} //nolint:gosec // of a test
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return new(tls.Certificate), nil
		}
		again := tls.Client(c.NetConn(), config)
		if err := again.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if asked != want {
			t.Errorf("a client of %s was asked for a certificate: %t; want %t", alpn, asked, want)
		}
	}
}
