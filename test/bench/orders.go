package main

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

const noop = "Test - Noop"

// budgets of an order's way to its App, by runner.
var budgets = map[string]struct{ p50, p99, rate string }{
	"none":   {"< 3 ms", "< 6 ms", ">= 200 /s"},
	"sudo":   {"< 5 ms", "< 12 ms", ">= 120 /s"},
	"socket": {"< 5 ms", "< 12 ms", ">= 150 /s"},
}

// trivial are the settings of an agent that runs an App which ends at once. Its interpreter is
// `true`, so that what is measured is ours and not Python's.
func trivial(runner string, p place, slots int, more ...string) map[string]string {
	_, nothing := p.python()
	return with(map[string]string{
		"appsRunner": runner, "appsNumberofJobExecutors": strconv.Itoa(slots), "appsPythonHome311": nothing,
	}, more...)
}

// latency gives one order after the other, and then a hundred a second.
func latency(b *bench) error {
	return b.each(func(runner string, p place) error {
		if err := b.add(p, "noop"); err != nil {
			return err
		}
		s, err := p.start(trivial(runner, p, 1))
		if err != nil {
			return err
		}
		l, err := orders(p.api(), b.size(1000, 30))
		s.stop()
		if err != nil {
			return err
		}
		budget := budgets[runner]
		name := runner + ": "
		b.row(name+"orders", float64(len(l.exec)), "", "")
		b.row(name+"order at the agent → App executed, p50", percentile(l.exec, .5), "ms", budget.p50)
		b.row(name+"order at the agent → App executed, p99", percentile(l.exec, .99), "ms", budget.p99)
		b.row(name+"cloud delivers → cloud hears that it runs, p50", percentile(l.started, .5), "ms", "")
		b.row(name+"cloud delivers → cloud hears that it runs, p99", percentile(l.started, .99), "ms", "")
		b.row(name+"submitted → result stored and seen, p50", percentile(l.whole, .5), "ms", "")

		if s, err = p.start(trivial(runner, p, 8)); err != nil {
			return err
		}
		exec, err := paced(p.api(), b.size(1000, 100))
		s.stop()
		if err != nil {
			return err
		}
		b.row(name+"order at the agent → App executed, at 100 /s, p50", percentile(exec, .5), "ms", budget.p50)
		b.row(name+"order at the agent → App executed, at 100 /s, p99", percentile(exec, .99), "ms", budget.p99)
		return nil
	})
}

// isolation gives the same orders to an agent that isolates Apps and to one that does not, in turns:
// whatever else the machine does falls on both.
func isolation(b *bench) error {
	const turns = 4
	levels := []string{"off", "required"}
	n := b.size(1000, 80) / turns
	return b.each(func(runner string, p place) error {
		if err := b.add(p, "noop"); err != nil {
			return err
		}
		times, used := map[string][]float64{}, map[string]time.Duration{}
		for range turns {
			for _, level := range levels {
				s, err := p.start(trivial(runner, p, 1, "appsIsolation", level))
				if err != nil {
					return err
				}
				if _, err := orders(p.api(), 0); err != nil {
					return err
				}
				agentBefore, jobsBefore := s.used()
				l, err := orders(p.api(), n)
				if err != nil {
					return err
				}
				agent, jobs := s.used()
				used[level] += agent + jobs - agentBefore - jobsBefore
				times[level] = append(times[level], l.exec...)
				s.stop()
			}
		}
		name := runner + ": "
		b.row(name+"orders each", float64(n*turns), "", "")
		off, full := times["off"], times["required"]
		for _, q := range []struct {
			name string
			p    float64
		}{{"p50", .5}, {"p99", .99}} {
			b.row(name+"order at the agent → App executed, isolation off, "+q.name, percentile(off, q.p), "ms", "")
			b.row(name+"order at the agent → App executed, isolation full, "+q.name, percentile(full, q.p), "ms", "")
		}
		b.row(name+"full above off, p50", percentile(full, .5)-percentile(off, .5), "ms", "<= 2 ms")
		each := func(level string) float64 { return ms(used[level]) / float64(turns*(n+warming)) }
		b.row(name+"processor for each order on the server, isolation off", each("off"), "ms", "")
		b.row(name+"processor for each order on the server, isolation full", each("required"), "ms", "")
		b.row(name+"processor, full above off", each("required")-each("off"), "ms", "")
		return nil
	})
}

// latencies of orders, in milliseconds.
type latencies struct{ exec, started, whole []float64 }

// warming is how many orders are not counted: the first ones download the App and warm everything.
const warming = 5

// orders gives n orders, one after the other, and some before them.
func orders(api *admin, n int) (latencies, error) {
	var l latencies
	for i := range n + warming {
		begin := time.Now()
		e, err := api.submit(noop, nil)
		if err != nil {
			return l, err
		}
		if e, err = api.succeeded(e.ID); err != nil {
			return l, err
		}
		if i < warming {
			continue
		}
		l.whole = append(l.whole, float64(time.Since(begin).Microseconds())/1000)
		l.exec = append(l.exec, float64(e.PrepareUS)/1000)
		l.started = append(l.started, float64(e.Started.Sub(e.Delivered).Microseconds())/1000)
	}
	return l, nil
}

// paced gives n orders, one every 10 ms whether or not the one before has ended, and returns how
// long the agent needed for each until its App was executed, in milliseconds.
func paced(api *admin, n int) ([]float64, error) {
	if _, err := orders(api, 0); err != nil {
		return nil, err
	}
	exec := make([]float64, n)
	return exec, everyTenMS(n, func(i int) error {
		e, err := api.submit(noop, nil)
		if err == nil {
			e, err = api.succeeded(e.ID)
		}
		exec[i] = float64(e.PrepareUS) / 1000
		return err
	})
}

// everyTenMS calls f n times, each 10 ms after the one before, and returns when all have returned.
func everyTenMS(n int, f func(i int) error) error {
	var g errgroup.Group
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		g.Go(func() error { return f(i) })
	}
	return g.Wait()
}

// throughput keeps eight slots busy.
func throughput(b *bench) error {
	return b.each(func(runner string, p place) error {
		if err := b.add(p, "noop"); err != nil {
			return err
		}
		return b.loaded(runner, p, 8, budgets[runner].rate)
	})
}

// load keeps few and many slots busy, and counts syncs where strace is at hand.
func load(b *bench) error {
	return b.each(func(runner string, p place) error {
		if err := b.add(p, "noop"); err != nil {
			return err
		}
		for _, slots := range []int{8, 64, 256} {
			budget := ""
			if slots == 8 {
				budget = budgets[runner].rate
			}
			if err := b.loaded(runner, p, slots, budget); err != nil {
				return fmt.Errorf("%d slots: %w", slots, err)
			}
		}
		if runner != "none" {
			return nil // what the agent does is the same
		}
		return b.syncs(runner, p)
	})
}
