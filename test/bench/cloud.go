package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/wire"
)

// cloudAlone measures what an order costs the cloud, with a server that runs nothing: while the store
// is empty, and again when many executions have ended.
func cloudAlone(b *bench) error {
	p, err := b.here()
	if err != nil {
		return err
	}
	if err := b.add(p, "noop"); err != nil {
		return err
	}
	dirs, err := b.issue(p.admin, 0, 1)
	if err != nil {
		return err
	}
	s := &puppet{runs: 30 * time.Millisecond}
	ctx, stop := context.WithCancel(b.ctx)
	g, ctx := errgroup.WithContext(ctx)
	b.atEnd(func() { stop(); _ = g.Wait() })
	hello := wire.Hello{ServerName: "puppet", Slots: 8, Executors: 8}
	s.link, err = bundleLink(filepath.Join(dirs[0], "0.zip"), p.c.Broker, hello, s)
	if err != nil {
		return err
	}
	g.Go(func() error { return s.link.Run(ctx) })
	if _, err := orders(p.admin, 0); err != nil {
		return err
	}
	if err := b.cloudCost(p, "empty store: "); err != nil {
		return err
	}
	stored := b.size(100_000, 5000)
	s.setRuns(0)
	if err := p.admin.fill(noop, stored); err != nil {
		return err
	}
	s.setRuns(30 * time.Millisecond)
	return b.cloudCost(p, fmt.Sprintf("%d ended: ", stored))
}

// cloudCost floods the cloud with orders, and then gives a hundred a second.
func (b *bench) cloudCost(p *here, name string) error {
	pid, n := p.c.PID(), b.size(3000, 1000)
	before, _ := cpu(pid)
	rate, submitted, err := p.admin.flood(noop, n)
	if err != nil {
		return err
	}
	after, _ := cpu(pid)
	each := func(d time.Duration) float64 { return ms(d) / float64(n) }
	b.row(name+"8 slots of 30 ms, completed", rate, "/s", "")
	b.row(name+"submitted meanwhile", submitted, "/s", "")
	b.row(name+"processor of the cloud for each order", each(after-before), "ms", "<= 1.5 ms")
	before = after
	whole := make([]float64, n)
	err = everyTenMS(n, func(i int) error {
		begin := time.Now()
		e, err := p.admin.submit(noop, nil)
		if err == nil {
			_, err = p.admin.succeeded(e.ID)
		}
		whole[i] = ms(time.Since(begin)) - 30
		return err
	})
	if err != nil {
		return err
	}
	after, _ = cpu(pid)
	b.row(name+"at 100 /s: processor of the cloud for each order", each(after-before), "ms", "")
	b.row(name+"at 100 /s: submitted → result seen, without the run, p50", percentile(whole, .5), "ms", "")
	b.row(name+"at 100 /s: submitted → result seen, without the run, p99", percentile(whole, .99), "ms", "")
	return nil
}

// fill has n executions stored that have ended.
func (a *admin) fill(app string, n int) error {
	var g errgroup.Group
	const clients = 8
	for client := range clients {
		g.Go(func() error {
			var last string
			for range (n + client) / clients {
				e, err := a.submit(app, nil)
				if err != nil {
					return err
				}
				last = e.ID
			}
			_, err := a.succeeded(last)
			return err
		})
	}
	return g.Wait()
}

// puppet is a server that says of each order what an agent says, and runs nothing.
type puppet struct {
	link *link.Link

	mu   sync.Mutex
	runs time.Duration // how long it seems to
}

func (p *puppet) setRuns(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = d
}

func (p *puppet) OnWelcome(wire.Welcome) {}
func (p *puppet) OnDisconnect(error)     {}

// OnMessage answers orders, and gives credit once a result is stored.
func (p *puppet) OnMessage(m wire.Message) {
	send := func(m wire.Message) { _ = p.link.Send(context.Background(), m) }
	switch m := m.(type) {
	case *wire.Order:
		send(&wire.Accepted{Ref: m.Ref})
		send(&wire.Progress{Ref: m.Ref, State: wire.StateRunning})
		p.mu.Lock()
		runs := p.runs
		p.mu.Unlock()
		time.AfterFunc(runs, func() {
			send(&wire.Result{Ref: m.Ref, Outcome: wire.Succeeded, PrepareUS: 1, RunMS: runs.Milliseconds()})
			send(&wire.Credit{N: 1})
		})
	}
}
