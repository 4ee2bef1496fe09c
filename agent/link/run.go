package link

import (
	"context"
	"sync"
	"time"

	"tcenvsvr/agent/link/fault"
)

// wakeGap is the shortest time between two attempts, or two probes, that Wake causes: on a host
// that makes containers the network changes all the time.
const wakeGap = 5 * time.Second

// Times after which [Link.Late] calls Run stuck: for all steps of connecting, each of which is
// bounded; for the handler of one message; and beyond what a step waits for.
const (
	connecting = dialTimeout + 2*handshakeTimeout + helloTimeout + margin
	handling   = time.Minute
	margin     = 30 * time.Second
)

// Run connects, and connects again whenever the connection ends, until ctx ends. It returns nil
// once everything it started has ended.
func (l *Link) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer l.pulse.Rest()
	if l.watch != nil {
		wg.Go(func() {
			if err := l.watch(ctx, l.Wake); err != nil {
				l.log.Debug("changes of the network are not watched", "err", err)
			}
		})
	}
	var p plan
	var r reporter
	var lastWake time.Time
	for {
		end := l.attempt(ctx)
		l.first.Do(func() { close(l.tried) })
		if ctx.Err() != nil {
			l.stopped()
			return nil
		}
		delay, earliest := p.next(end, l.random)
		l.failed(end, time.Now().Add(delay))
		r.report(l.log, end, delay, time.Now())
		l.pulse.Within(delay + wakeGap + margin)
		if l.wait(ctx, delay, earliest, lastWake) {
			lastWake = time.Now()
		}
	}
}

// attempt makes one connection, to the first broker that takes it, and serves its session.
func (l *Link) attempt(ctx context.Context) *ended {
	var end *ended
	for i, b := range l.order() {
		if i > 0 {
			l.log.Debug("trying another broker", "broker", b.addr, "fault", end.fault)
		}
		l.pulse.Within(connecting)
		l.trying(b)
		end = l.serveAt(ctx, b)
		if !l.judge(b, end) || ctx.Err() != nil {
			return end
		}
	}
	l.rounds++
	return end
}

// serveAt makes one connection to b and serves its session.
func (l *Link) serveAt(ctx context.Context, b *broker) *ended {
	c, f := l.connect(ctx, b)
	if f != nil {
		return &ended{fault: f}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { l.probes(ctx) })
	end := l.serve(ctx, c, b)
	if end == nil { // ctx ended before the welcome
		end = &ended{fault: fault.New(fault.Hello, "hello.closed", ctx.Err(), "the agent stops")}
	}
	return end
}

// probes turns Wake into a check of the session.
func (l *Link) probes(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		select { // a Wake that comes too soon is delayed, not lost
		case <-ctx.Done():
			return
		case <-time.After(time.Until(last.Add(wakeGap))):
		}
		l.mu.Lock()
		s := l.session
		l.mu.Unlock()
		if s != nil {
			last = time.Now()
			s.probe()
		}
	}
}

// wait sleeps for delay. Wake ends it, but not before earliest. It reports whether Wake did.
func (l *Link) wait(ctx context.Context, delay, earliest time.Duration, lastWake time.Time) bool {
	start := time.Now()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	var hold <-chan time.Time // until Wake may take effect
	wake := l.wake
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return false
		case <-wake:
			wake = nil
			soonest := max(time.Until(start.Add(earliest)), time.Until(lastWake.Add(wakeGap)), 0)
			hold = time.After(soonest)
		case <-hold:
			return true
		}
	}
}
