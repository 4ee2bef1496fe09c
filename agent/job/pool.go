package job

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

const (
	// prewarmRetry is how long Run waits after a prewarmed shim that ended by itself, longer each time.
	prewarmRetry    = time.Second
	prewarmRetryMax = time.Minute
	// idleLimit is how long a shim waits that is one more than wanted: each takes 3 to 5 MB.
	idleLimit = 30 * time.Second
	// Then a shim serves no more: what an administrator changes (limits, groups, the sudoers rule) holds
	// for new shims.
	mostAge  = 10 * time.Minute
	mostJobs = 1000
	// demandSpan is the time over which the demand for new shims is averaged.
	demandSpan = 2 * time.Second
	// atLeast is how many shims wait at least: of two orders that come together neither waits for a start, which
	// takes 20 ms with sudo and 50 with systemd, and holds up what else begins.
	atLeast = 2
	// patience is how long shims are too few before another is started: those of short jobs are back by then.
	patience = 20 * time.Millisecond
	// mostStarts is how many shims are started at a time: more would hold up each other, and the Apps that run.
	mostStarts = 2
)

// pool are the shims that wait for the next [Executor.Start], while [Executor.Run] runs. The start of a
// process, and of sudo or of a service of systemd's before it, takes most of the time from an order to its App
// and of the processor time of an order, so a shim whose job has ended waits for another one where it can
// (package shim says when that is safe). There is always one more than jobs run, and two at least, but not more
// than slots; where shims do not come back there are as many more as are used up while one starts.
//
// Where none waits, the order does: mostly one comes back sooner than another could be started, and a start would
// take the processors from those that are about to.
type pool struct {
	mu       sync.Mutex
	open     bool // Run runs, and shims understand OpServe
	failing  bool // the last start did not succeed: nobody waits for the next
	slots    func() int
	idle     []*startedShim      // who came last is last
	queue    []chan *startedShim // who waits for one; nil tells him to start one himself
	busy     int                 // shims that have a job, or are getting one, and may come back
	used     float64             // shims that did not come back, by second
	usedAt   time.Time
	starting time.Duration // how long the start of one takes
	lacking  time.Time     // since when there are too few; zero: there are enough

	wake chan struct{} // somebody was taken, came back, or died
}

func newPool() *pool {
	return &pool{slots: func() int { return 0 }, wake: make(chan struct{}, 1)}
}

// take is the shim that has waited for the shortest time, or the next one that comes back or was started; nil if
// none is to be expected.
func (p *pool) take(ctx context.Context) *startedShim {
	h, comes := p.takeOrQueue()
	if h != nil || comes == nil {
		return h
	}
	select {
	case h := <-comes:
		return h
	case <-time.After(p.longEnough()): // starts take long here, or hang
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, comes); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return nil
	}
	return <-comes // it came at this moment
}

// longEnough is how long an order waits for a shim before it starts one itself.
func (p *pool) longEnough() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Second, 4*p.starting)
}

func (p *pool) takeOrQueue() (*startedShim, chan *startedShim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		h := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		select {
		case <-h.ended:
			continue // Run has not heard of it yet
		default:
		}
		p.busy++
		h.jobs++
		p.nudge()
		return h, nil
	}
	if !p.open || p.failing {
		return nil, nil
	}
	comes := make(chan *startedShim, 1)
	p.queue = append(p.queue, comes)
	p.nudge()
	return nil, comes
}

// serves reports whether a new shim is to serve, and counts it then.
func (p *pool) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		p.busy++
	}
	return p.open
}

// back takes a shim that was counted as busy: to wait, or, if it will not serve again, out of the count.
func (p *pool) back(h *startedShim, serves bool) (waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if waits = serves && p.open && h.jobs < mostJobs && time.Since(h.made) < mostAge; waits {
		p.push(h)
	} else {
		p.used = p.rate() + 1/demandSpan.Seconds()
		p.usedAt = time.Now()
	}
	p.nudge()
	return waits
}

// push gives a shim to who has waited for the longest time, or lets it wait. p.mu is held.
func (p *pool) push(h *startedShim) {
	if len(p.queue) > 0 {
		p.busy++
		h.jobs++
		p.queue[0] <- h
		p.queue = p.queue[1:]
		return
	}
	h.since = time.Now()
	p.idle = append(p.idle, h)
}

// add lets a new shim wait; false when Run is over.
func (p *pool) add(h *startedShim) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.starting == 0 {
		p.starting = time.Since(h.made)
	}
	p.starting += (time.Since(h.made) - p.starting) / 8
	p.failing = false
	if p.open {
		p.push(h)
	}
	return p.open
}

// fail has nobody wait: who does starts a shim himself, and learns why that does not work.
func (p *pool) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing = true
	p.letGo()
}

// letGo tells all who wait to start a shim themselves. p.mu is held.
func (p *pool) letGo() {
	for _, comes := range p.queue {
		comes <- nil
	}
	p.queue = nil
}

// lost takes a shim out that ended while it waited.
func (p *pool) lost(h *startedShim) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == h {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.nudge()
			return true
		}
	}
	return false
}

func (p *pool) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// rate is how many shims a second do not come back. p.mu is held.
func (p *pool) rate() float64 {
	return p.used * math.Exp(-time.Since(p.usedAt).Seconds()/demandSpan.Seconds())
}

// wanted is how many shims are to wait, at least one for each job that does. p.mu is held.
func (p *pool) wanted() int {
	n := len(p.queue) + max(1, atLeast-p.busy) + int(math.Ceil(p.rate()*p.starting.Seconds()-.05))
	return max(len(p.queue), min(n, p.slots()-p.busy))
}

// lacks reports whether another shim is to be started beside those that are, or, if there may be too few, when that
// will be known.
func (p *pool) lacks(started int) (now bool, soon time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.idle)+started >= max(p.wanted(), min(1, 1-p.busy)):
		p.lacking = time.Time{}
		return false, 0
	case len(p.idle)+started+p.busy == 0: // nobody will come back
		return true, 0
	case p.lacking.IsZero():
		p.lacking = time.Now()
	}
	soon = patience - time.Since(p.lacking)
	return soon <= 0, soon
}

// old takes out a shim that has waited too long and is not wanted, or is too old; nil if there is none.
func (p *pool) old() *startedShim {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, h := range p.idle {
		if time.Since(h.made) > mostAge || len(p.idle) > max(1, p.wanted()) && time.Since(h.since) > idleLimit {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			return h
		}
	}
	return nil
}

// shut has nothing wait any more and returns what waited.
func (p *pool) shut() []*startedShim {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	p.open, p.idle = false, nil
	p.letGo()
	return idle
}

// Run keeps shims waiting for the next [Executor.Start] until ctx ends. Without Run, Start starts a
// shim of its own for each job. slots is how many jobs run at a time at most.
//
// A shim that waits ends when the agent's end of its stdin is closed, which the death of the agent does, too.
func (e *Executor) Run(ctx context.Context, slots func() int) error {
	p := e.pool
	p.mu.Lock()
	p.open, p.slots = true, slots
	p.mu.Unlock()
	dismiss := func() {
		for _, h := range p.shut() {
			_ = h.in.Close()
			h.awaitEnd()
		}
	}
	defer dismiss()
	look := time.NewTicker(idleLimit / 3)
	defer look.Stop()
	rest, again := time.NewTimer(0), time.NewTimer(0) // after a failure; when it is known whether there are too few
	defer rest.Stop()
	defer again.Stop()
	rest.Stop()
	pause, resting := prewarmRetry, false
	results, started := make(chan error), 0
	failed := func(err error) { e.log.Debug("prewarmed shim did not come up", "err", err) }
	defer func() {
		for ; started > 0; started-- {
			if err := <-results; err != nil {
				failed(err)
			}
		}
	}()
	for ctx.Err() == nil {
		for h := p.old(); h != nil; h = p.old() {
			_ = h.in.Close()
			go h.awaitEnd()
		}
		for !resting && started < mostStarts {
			now, soon := p.lacks(started)
			if !now {
				if soon > 0 {
					again.Reset(soon)
				}
				break
			}
			started++
			go func() { results <- e.prewarm(ctx) }()
		}
		select {
		case err := <-results:
			started--
			switch {
			case err == nil:
				rest.Stop()
				pause, resting = prewarmRetry, false
			case errors.Is(err, errCannotServe):
				dismiss()
				<-ctx.Done()
			default:
				failed(err)
				p.fail()
				rest.Reset(pause)
				pause, resting = min(2*pause, prewarmRetryMax), true
			}
		case <-rest.C:
			resting = false
		case <-again.C:
		case <-p.wake:
		case <-look.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// prewarm starts a shim that waits.
func (e *Executor) prewarm(ctx context.Context) error {
	h, err := e.startServing(ctx)
	if err != nil {
		return err
	}
	go func() {
		<-h.ended
		if e.pool.lost(h) {
			e.log.Debug("prewarmed shim ended", "err", e.explain(h, errNoAnswer))
		}
	}()
	if !e.pool.add(h) {
		h.dismiss()
	}
	return nil
}

// errCannotServe means that the shim is of another release, which does not serve: a package is being replaced
// under this agent.
var errCannotServe = errors.New("the shim is of another release")

// startServing starts a shim that serves.
func (e *Executor) startServing(ctx context.Context) (*startedShim, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	line, err := spec.Encode(spec.Request{Op: spec.OpServe})
	if err != nil {
		return nil, err
	}
	made := time.Now()
	h, err := e.startShim(ctx)
	if err != nil {
		return nil, err
	}
	h.made = made
	reply, err := h.ask(ctx, line, true)
	switch {
	case err != nil && ctx.Err() != nil:
		h.dismiss()
		return nil, &StartError{Code: spec.CodeTimeout, Err: context.Cause(ctx)}
	case err != nil:
		return nil, e.explain(h, err)
	case !reply.Ready:
		h.dismiss()
		return nil, errCannotServe
	}
	h.serves = true
	return h, nil
}

// attend waits for the end of a job whose shim serves, and lets the shim wait for the next one.
func (e *Executor) attend(h *startedShim, p *Process) {
	reply, err := h.next()
	if err == nil && reply.Exit != nil {
		p.exit = reply.Exit
	}
	close(p.end)
	if !e.pool.back(h, err == nil && reply.Ready) {
		h.release()
	}
}
