package templates

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/job"
)

// Prefix begins the name of a template's folder. Names of orders' sessions have a dot; it has none.
const Prefix = "template-"

const (
	// readyTimeout bounds the start of a template; its own init gives up before.
	readyTimeout = 3 * time.Minute
	// upkeepEvery is how often idle templates are looked for.
	upkeepEvery = time.Minute
)

// Run starts templates and stops those that are not needed, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	k.pruneLists()
	upkeep := time.NewTicker(upkeepEvery)
	defer upkeep.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-upkeep.C:
			k.upkeep()
		case a := <-k.begin:
			k.start(ctx, a)
		}
	}
	k.mu.Lock()
	k.closed = true
	for _, a := range k.apps {
		k.stop(a)
	}
	k.mu.Unlock()
	k.ending.Wait()
	return nil
}

// start starts the template of an App and waits until it can be used.
func (k *Keeper) start(ctx context.Context, a *kept) {
	t, exit, err := k.launch(ctx, a)
	k.mu.Lock()
	defer k.mu.Unlock()
	a.starting = false
	switch {
	case ctx.Err() != nil:
		if t != nil {
			t.stop()
		}
	case err != nil:
		k.giveUp(a, err.Error())
	case exit != nil:
		reason := exit.Error
		if reason == "" {
			reason = "its template ended before it was ready"
		}
		k.giveUp(a, reason)
	case k.apps[a.key] != a: // renewed meanwhile
		t.stop()
	default:
		a.template, a.reason = t, ""
		k.Logger.Info("an App starts warm from here on", "app", a.program.App, "modules", len(a.modules), "kilobytes", t.kb)
		k.makeRoom(a)
	}
}

// launch starts a template. It returns how it ended if it did before it could be used.
func (k *Keeper) launch(ctx context.Context, a *kept) (*template, *job.Exit, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	session := Prefix + strings.ToLower(rand.Text()[:12])
	k.own(session, true)
	k.mu.Lock()
	l, p := a.launch, a.program
	p.Modules = a.modules
	k.mu.Unlock()
	l.ID, l.Dir = session, filepath.Join(k.Dir, session)
	err := k.MakeDir(l.Dir)
	var process *job.Process
	if err == nil {
		process, err = k.Jobs.StartTemplate(ctx, l, p)
	}
	if err != nil {
		k.remove(session)
		return nil, nil, err
	}
	waiting, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &template{process: process, session: session, stop: stop}
	ended := make(chan job.Exit, 1)
	k.ending.Go(func() {
		if exit, err := process.Wait(waiting); err == nil {
			ended <- exit
			k.lost(a, t, exit)
		}
		close(ended)
	})
	go k.buried(process, session, waiting.Done(), ended)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		if r, err := process.Report(ctx); err == nil && r.Ready {
			t.kb = r.KB
			return t, nil, nil
		}
		select {
		case exit := <-ended:
			stop()
			return nil, &exit, nil
		case <-ctx.Done():
			stop()
			return nil, nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// lost notes the end of a template that nobody stopped.
func (k *Keeper) lost(a *kept, t *template, exit job.Exit) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t.stop()
	if a.template == t {
		reason := exit.Error
		if reason == "" {
			reason = "its template ended: " + exit.Signal + exit.Reason
		}
		a.template = nil
		k.giveUp(a, reason)
	}
}

// buried removes the folder of a template when that has ended, which it does with its last order.
func (k *Keeper) buried(p *job.Process, session string, stopped <-chan struct{}, ended <-chan job.Exit) {
	<-stopped
	<-ended
	for pause := 100 * time.Millisecond; p.Running(); pause = min(2*pause, 10*time.Second) {
		time.Sleep(pause)
	}
	_, _ = p.Wait(context.Background()) // it returns what is recorded: it is over
	k.remove(session)
}

// inherit sees to the templates that the agent before this one has left. They take no more orders,
// and end with the last.
func (k *Keeper) inherit() {
	entries, err := os.ReadDir(k.Dir)
	if err != nil {
		return
	}
	none := make(chan job.Exit)
	close(none)
	stopped := make(chan struct{})
	close(stopped)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), Prefix) {
			continue
		}
		k.own(e.Name(), true)
		p, err := k.Jobs.Attach(filepath.Join(k.Dir, e.Name()), job.Status{})
		switch {
		case err == nil:
			go k.buried(p, e.Name(), stopped, none)
		case errors.Is(err, job.ErrNotRunning) && !errors.Is(err, job.ErrCopied):
			k.remove(e.Name())
		}
	}
}

func (k *Keeper) own(session string, is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if is {
		k.folders[session] = true
	} else {
		delete(k.folders, session)
	}
}

// Owns reports whether a folder of Dir is a template's that may still run.
func (k *Keeper) Owns(session string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.folders[session]
}

func (k *Keeper) remove(session string) {
	if err := k.Remove(context.Background(), session); err != nil {
		k.Logger.Debug("a template's folder is not removed yet", "session", session, "err", err)
	}
	k.own(session, false) // what is left of it goes with old sessions
}

// upkeep stops templates that were not used for long, whose App is gone, or for which there is no
// room any more.
func (k *Keeper) upkeep() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, a := range k.apps {
		_, err := os.Stat(a.program.App)
		if gone := errors.Is(err, os.ErrNotExist); gone || time.Since(a.used) > window {
			if a.template != nil && a.template.served == 0 { // it was started early, and in vain
				a.proven = false
			}
			k.stop(a)
			if !a.starting && (gone || time.Now().After(a.until) && !a.proven) {
				delete(k.apps, key)
			}
		}
	}
	k.makeRoom(nil)
}

// makeRoom stops templates until all together take no more than they may: those first that were not
// used for longest. fresh is one that was started now: it goes instead of those that are busy. k is
// locked.
func (k *Keeper) makeRoom(fresh *kept) {
	for {
		total := int64(0)
		var oldest *kept
		for _, a := range k.apps {
			if a.template == nil {
				continue
			}
			total += a.template.kb
			if a != fresh && (oldest == nil || a.used.Before(oldest.used)) {
				oldest = a
			}
		}
		if total <= int64(k.Megabytes())<<10 {
			return
		}
		if oldest == nil || fresh != nil && fresh.template != nil && time.Since(oldest.used) < busyFor {
			if fresh == nil || fresh.template == nil {
				return
			}
			oldest = fresh
			oldest.until = time.Now().Add(giveUpFor)
		}
		oldest.reason = "appsWarmMegabytes leaves it no room"
		oldest.runs, oldest.proven = nil, false
		k.Logger.Info("a template makes room", "app", oldest.program.App, "kilobytes", oldest.template.kb)
		k.stop(oldest)
	}
}

// templateOf is the launch of a template of l's App: without anything of the order.
func templateOf(l *job.Launch, limits job.Limits) job.Launch {
	t := job.Launch{Argv: l.Argv[:1], WorkDir: l.Program.App, Isolation: l.Isolation, Limits: limits, Grace: time.Second, MaxOutput: 1 << 20}
	t.Isolation.Keep, t.Isolation.Tmp, t.Isolation.Files = nil, "", nil
	return t
}
