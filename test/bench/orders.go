package main

import (
	"fmt"
	"sync"
	"time"
)

const noop = "Test - Noop"

// latency gives one order after the other.
func latency(b *bench) error {
	c, _, err := b.trivial(1)
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	l, err := orders(api, b.size(1000, 30))
	if err != nil {
		return err
	}
	b.row("orders", float64(len(l.exec)), "", "")
	b.row("order at the agent → App executed, p50", percentile(l.exec, .5), "ms", "< 5 ms")
	b.row("order at the agent → App executed, p99", percentile(l.exec, .99), "ms", "< 20 ms")
	b.row("cloud delivers → cloud hears that it runs, p50", percentile(l.started, .5), "ms", "")
	b.row("cloud delivers → cloud hears that it runs, p99", percentile(l.started, .99), "ms", "")
	b.row("submitted → result stored and seen, p50", percentile(l.whole, .5), "ms", "")
	return nil
}

// isolation gives the same orders to an agent that isolates Apps and to one that does not, in turns:
// whatever else the machine does falls on both.
func isolation(b *bench) error {
	c, err := b.startCloud()
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	if err := b.addNoop(c); err != nil {
		return err
	}
	levels := []string{"off", "required"}
	times := map[string][]float64{}
	const turns = 4
	n := b.size(1000, 80) / turns
	for turn := range turns {
		for _, level := range levels {
			a, err := b.trivialAgent(c, fmt.Sprint(level, turn), 1, "--appsIsolation", level)
			if err != nil {
				return err
			}
			l, err := orders(api, n)
			if err != nil {
				return err
			}
			times[level] = append(times[level], l.exec...)
			a.Stop(stopTimeout)
		}
	}
	b.row("orders each", float64(n*turns), "", "")
	off, full := times["off"], times["required"]
	for _, q := range []struct {
		name string
		p    float64
	}{{"p50", .5}, {"p99", .99}} {
		b.row("order at the agent → App executed, isolation off, "+q.name, percentile(off, q.p), "ms", "")
		b.row("order at the agent → App executed, isolation full, "+q.name, percentile(full, q.p), "ms", "")
	}
	b.row("full above off, p50", percentile(full, .5)-percentile(off, .5), "ms", "<= 2 ms")
	return nil
}

// latencies of orders, in milliseconds.
type latencies struct{ exec, started, whole []float64 }

// orders gives n orders, one after the other.
func orders(api *admin, n int) (latencies, error) {
	var l latencies
	for i := range n + 5 {
		begin := time.Now()
		e, err := api.submit(noop, nil)
		if err != nil {
			return l, err
		}
		if e, err = api.succeeded(e.ID); err != nil {
			return l, err
		}
		if i < 5 { // the first ones download the App and warm everything
			continue
		}
		l.whole = append(l.whole, float64(time.Since(begin).Microseconds())/1000)
		l.exec = append(l.exec, float64(e.PrepareUS)/1000)
		l.started = append(l.started, float64(e.Started.Sub(e.Delivered).Microseconds())/1000)
	}
	return l, nil
}

// throughput keeps eight slots busy.
func throughput(b *bench) error {
	c, a, err := b.trivial(8)
	if err != nil {
		return err
	}
	api, err := b.admin(c)
	if err != nil {
		return err
	}
	warm, err := api.submit(noop, nil)
	if err != nil {
		return err
	}
	if _, err := api.succeeded(warm.ID); err != nil {
		return err
	}
	n := b.size(2000, 300)
	cloudBefore, _ := cpu(c.PID())
	agentBefore, jobsBefore := cpu(a.PID())
	ids := make([]string, n)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	begin := time.Now()
	for worker := range errs {
		wg.Go(func() {
			for i := worker; i < n; i += len(errs) {
				e, err := api.submit(noop, nil)
				if err != nil {
					errs[worker] = err
					return
				}
				ids[i] = e.ID
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	submitted := time.Since(begin)
	var last time.Time
	for _, id := range ids {
		e, err := api.succeeded(id)
		if err != nil {
			return err
		}
		if e.EndedAt.After(last) {
			last = e.EndedAt
		}
	}
	b.row("orders", float64(n), "", "")
	b.row("submitted", float64(n)/submitted.Seconds(), "/s", "")
	cloudAfter, _ := cpu(c.PID())
	agentAfter, jobsAfter := cpu(a.PID())
	each := func(before, after time.Duration) float64 { return (after - before).Seconds() * 1000 / float64(n) }
	b.row("processor for each order: cloud", each(cloudBefore, cloudAfter), "ms", "")
	b.row("processor for each order: agent", each(agentBefore, agentAfter), "ms", "")
	b.row("processor for each order: shim and App", each(jobsBefore, jobsAfter), "ms", "")
	b.row("completed, 8 slots", float64(n)/last.Sub(begin).Seconds(), "/s", ">= 200 /s")
	return nil
}
