package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/wire"
)

// count is a line of the swarm's output: so many agents were connected then.
type count struct {
	Connected int64 `json:"connected"`
	UnixMS    int64 `json:"unix_ms"`
}

// swarmCommand is a process full of idle agents: real links with an identity each, and nothing
// behind them. It ends with its stdin.
func swarmCommand() *cobra.Command {
	return &cobra.Command{
		Use: "swarm DIR BROKER", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return swarm(args[0], args[1]) },
	}
}

func swarm(dir, broker string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop() }()
	var connected atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, file := range files {
		l, err := bundleLink(file, broker, wire.Hello{ServerName: "swarm", Slots: 1, Executors: 1}, idle{&connected})
		if err != nil {
			return err
		}
		g.Go(func() error { return l.Run(ctx) })
	}
	g.Go(func() error {
		out := json.NewEncoder(os.Stdout)
		last := int64(-1)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				return nil
			case now := <-tick.C:
				if n := connected.Load(); n != last {
					last = n
					if err := out.Encode(count{n, now.UnixMilli()}); err != nil {
						return err
					}
				}
			}
		}
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// bundleLink is the link of a server that has a bundle and no agent. hello lacks what the bundle knows.
func bundleLink(file, broker string, hello wire.Hello, h link.Handler) (*link.Link, error) {
	b, err := bundle.Open(file)
	if err != nil {
		return nil, err
	}
	cert, cas, err := bundle.Identity(b.Keystore, b.Settings[bundle.KeystorePassword])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	roots := x509.NewCertPool()
	for _, ca := range cas {
		roots.AddCert(ca)
	}
	trust := &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots}
	hello.Protocol, hello.Version, hello.BootID = wire.Protocol, "bench", "bench"
	hello.BrokerToken, hello.ServerXID = b.Settings["brokerToken"], wire.ServerXID(b.Settings["serverXid"])
	return link.New(link.Config{
		Address: broker, TLS: func() (*tls.Config, error) { return trust, nil },
		Hello: func() wire.Hello { return hello }, Handler: h,
	})
}

// idle counts sessions and does nothing else.
type idle struct{ connected *atomic.Int64 }

func (i idle) OnWelcome(wire.Welcome) { i.connected.Add(1) }
func (i idle) OnMessage(wire.Message) {}
func (i idle) OnDisconnect(error)     { i.connected.Add(-1) }
