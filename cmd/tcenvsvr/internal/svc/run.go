package svc

import (
	"os"
	"sync/atomic"

	kardianos "github.com/kardianos/service"
)

// Run runs the agent under the host's service manager, or in a terminal, and returns its error. A
// stop by the manager arrives in signals, like one from a terminal.
func Run(signals chan<- os.Signal, run func() error) error {
	if standalone() {
		return run()
	}
	p := &program{run: run, signals: signals, done: make(chan struct{})}
	c := &kardianos.Config{Name: Name, Option: kardianos.KeyValue{"RunWait": func() { <-p.done }}}
	k, err := kardianos.New(p, c)
	if err != nil {
		return run() // no service manager that we know
	}
	return k.Run()
}

// program is the agent as a service of kardianos.
type program struct {
	run     func() error
	signals chan<- os.Signal
	done    chan struct{}
	err     error

	stopping atomic.Bool // somebody asked for the end
}

// Start returns at once, which the manager takes for "started".
func (p *program) Start(kardianos.Service) error {
	go func() {
		p.err = p.run()
		close(p.done)
		ended(p)
	}()
	return nil
}

// Stop drains, and waits for the end.
func (p *program) Stop(kardianos.Service) error {
	p.stopping.Store(true)
	select {
	case <-p.done: // it ended by itself, or by a signal
	default:
		p.signals <- os.Interrupt
		<-p.done
	}
	return p.err
}

// Shutdown is Stop when the host goes down: there is no time for a drain.
func (p *program) Shutdown(s kardianos.Service) error {
	p.stopping.Store(true)
	select {
	case <-p.done:
	case p.signals <- os.Interrupt:
	}
	return p.Stop(s)
}
