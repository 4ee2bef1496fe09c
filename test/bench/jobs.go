package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
)

// manyJobs has Jobs of one large Environment and of many small ones due at one moment, with a server for
// each that runs nothing, but takes no more orders at once than it has executors.
func manyJobs(b *bench) error {
	const executors, each = 10, 50 // each: Jobs of a small Environment
	all, small := b.size(10_000, 1000), b.size(40, 8)
	p, err := b.here()
	if err != nil {
		return err
	}
	if err := b.add(p, "noop"); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	g, ctx := errgroup.WithContext(ctx)
	b.atEnd(func() { stop(); _ = g.Wait() })
	servers := map[string]*limited{}
	for i := range small + 1 {
		env := fmt.Sprintf("env-%d", i)
		s := &limited{puppet: puppet{runs: 100 * time.Millisecond}}
		if err := b.limited(ctx, g, p, env, executors, s); err != nil {
			return err
		}
		servers[env] = s
	}

	// All are made before they are due. The large Environment has what is left.
	due := time.Now().Add(10*time.Second + time.Duration(all)*15*time.Millisecond).UTC().Truncate(time.Second)
	var made errgroup.Group
	made.SetLimit(16)
	for i := range all {
		env := "env-0"
		if i < small*each {
			env = fmt.Sprintf("env-%d", 1+i%small)
		}
		made.Go(func() error {
			return p.admin.call(http.MethodPost, "jobs", map[string]any{
				"name": fmt.Sprintf("job-%d", i), "environment": env, "app": noop, "schedule": "once " + due.Format("2006-01-02T15:04:05"),
			}, nil)
		})
	}
	if err := made.Wait(); err != nil {
		return err
	}
	if late := time.Since(due); late > 0 {
		return fmt.Errorf("the Jobs were made %s too late", late)
	}
	pid := p.c.PID()
	before, _ := cpu(pid)
	resident, _, err := memory(pid)
	if err != nil {
		return err
	}
	forgetPeak(pid)
	time.Sleep(time.Until(due))
	for {
		n := 0
		for _, s := range servers {
			n += s.look().ended
		}
		if n == all {
			break
		}
		if time.Since(due) > time.Hour {
			return fmt.Errorf("%d of %d Jobs have run within an hour", n, all)
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	after, _ := cpu(pid)
	most, err := peak(pid)
	if err != nil {
		return err
	}

	var slowest time.Duration
	atOnce := 0
	for env, s := range servers {
		l := s.look()
		atOnce = max(atOnce, l.most)
		if env != "env-0" {
			slowest = max(slowest, l.last.Sub(due))
		}
	}
	b.row(fmt.Sprintf("%d Jobs due at once in %d Environments: last start in any of the small ones (%d Jobs each)", all, small+1, each), slowest.Seconds(), "s", "< 60 s")
	b.row(fmt.Sprintf("last start in the large one (%d Jobs)", all-small*each), servers["env-0"].look().last.Sub(due).Seconds(), "s", "")
	b.row(fmt.Sprintf("most Apps at once on a server with %d executors", executors), float64(atOnce), "", fmt.Sprint("≤ ", executors))
	b.row("processor of the cloud for each run", ms(after-before)/float64(all), "ms", "")
	b.row("memory of the cloud (resident): before", resident/(1<<20), "MB", "")
	b.row("at most meanwhile", most/(1<<20), "MB", "")
	return nil
}

// limited is a puppet that counts.
type limited struct {
	puppet
	counts limits
}

// limits is what a server was asked to do.
type limits struct {
	now, most, ended int
	last             time.Time // an order came
}

// limited connects a server of a new Environment.
func (b *bench) limited(ctx context.Context, g *errgroup.Group, p *here, env string, executors int, s *limited) error {
	if err := p.admin.call(http.MethodPost, "environments", map[string]string{"name": env}, nil); err != nil {
		return err
	}
	var zip []byte
	if err := p.admin.call(http.MethodPost, "environments/"+env+"/bundle", map[string]string{"name": env}, &zip); err != nil {
		return err
	}
	file := filepath.Join(b.Dir, env+".zip")
	if err := os.WriteFile(file, zip, 0o600); err != nil {
		return err
	}
	l, err := bundleLink(file, p.c.Broker, wire.Hello{ServerName: env, Slots: executors, Executors: executors}, s)
	if err != nil {
		return err
	}
	s.link = l
	g.Go(func() error { return l.Run(ctx) })
	return nil
}

func (s *limited) look() limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// OnMessage counts the orders that a puppet answers.
func (s *limited) OnMessage(m wire.Message) {
	if _, ok := m.(*wire.Order); ok {
		s.mu.Lock()
		s.counts.now++
		s.counts.most, s.counts.last = max(s.counts.most, s.counts.now), time.Now()
		runs := s.runs
		s.mu.Unlock()
		time.AfterFunc(runs, func() { // before the puppet's own, which gives credit for the next
			s.mu.Lock()
			s.counts.now--
			s.counts.ended++
			s.mu.Unlock()
		})
	}
	s.puppet.OnMessage(m)
}

// forgetPeak has the kernel count from now on what a process needed at most.
func forgetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// peak is the largest resident set that a process had.
func peak(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, line, _ := strings.Cut(string(data), "VmHWM:")
	var kB float64
	_, err = fmt.Sscan(line, &kB)
	return kB * 1024, err
}
