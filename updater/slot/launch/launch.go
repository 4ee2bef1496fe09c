package launch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/state"
)

// Launcher is the parent of the program. Signals and Log may be nil.
type Launcher struct {
	Slots *slot.Slots
	Inbox string   // where the program makes its requests
	Args  []string // of the program

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Signals are passed on to the program. After each of them but Reload the program is not
	// started again when it has ended.
	Signals <-chan os.Signal
	Reload  os.Signal
	// Terminal says that the terminal sends an interrupt to the program itself, so that a second
	// one from us would mean "at once".
	Terminal bool
	// Hopeless are the exit codes after which a restart does not help, such as that of wrong
	// settings. They do not count for a release on probation, which may itself be what is wrong.
	Hopeless []int

	Log *slog.Logger

	bless time.Duration // blessEvery, less in tests
}

// Exited is the error of a program that ended badly and is not started again.
type Exited struct{ Code int }

func (e *Exited) Error() string { return fmt.Sprintf("the program ended with exit code %d", e.Code) }

const (
	lookEvery  = 200 * time.Millisecond // at the inbox
	blessEvery = time.Minute            // also without a request: a probation may be over
	firstPause = 100 * time.Millisecond // after a crash; doubled each time
	lastPause  = 30 * time.Second
	ranWell    = time.Minute // after a run of this length the pauses begin with firstPause again
	killAfter  = time.Minute // a rolled-back release that does not end is killed
)

// Run starts the chosen program, again and again, until it ends for good or ctx ends. The error is
// an [*Exited], or says why no program could be chosen.
func (l *Launcher) Run(ctx context.Context) error {
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	// On Linux a program gets its Pdeathsig when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pause := firstPause
	for {
		choice, err := l.Slots.Select()
		if err != nil {
			return err
		}
		began := time.Now()
		end := l.once(ctx, choice)
		class, err := l.Slots.Ended(end.exit())
		if err != nil {
			l.Log.Warn("end of the program not recorded", "err", err)
		}
		switch {
		case end.stopping && class == handover.Clean:
			return nil
		case end.stopping, !choice.Trial && slices.Contains(l.Hopeless, end.code):
			return &Exited{end.code}
		case end.code == handover.ExitRestart || end.overdue:
			pause = firstPause
			continue
		case class == handover.Clean:
			return nil
		}
		l.Log.Error("program ended", "version", choice.Version, "exit_code", end.code, "class", class, "trial", choice.Trial, "err", end.err)
		if choice.Trial || time.Since(began) > ranWell {
			pause = firstPause
		}
		if !l.wait(ctx, pause) {
			return &Exited{end.code}
		}
		pause = min(2*pause, lastPause)
	}
}

// wait pauses. It returns false where ctx ended or a signal came that ends the launcher.
func (l *Launcher) wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		case s := <-l.Signals:
			if s != l.Reload {
				return false
			}
		}
	}
}

// once runs the program to its end.
func (l *Launcher) once(ctx context.Context, choice slot.Choice) ending {
	c := exec.Command(choice.Path, l.Args...)
	c.Stdin, c.Stdout, c.Stderr = l.Stdin, l.Stdout, l.Stderr
	c.SysProcAttr = attributes()
	if err := c.Start(); err != nil {
		return ending{code: -1, notStarted: true, err: err}
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	p := &running{Launcher: l, process: c.Process, blessed: time.Now()}
	p.supervise(ctx, done)
	p.end.record(c.ProcessState)
	return p.end
}

// running is the program while it runs.
type running struct {
	*Launcher
	process *os.Process
	blessed time.Time
	end     ending
}

// supervise passes signals on and does root's part until the program has ended.
func (r *running) supervise(ctx context.Context, done <-chan error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var kill <-chan time.Time
	stop := ctx.Done()
	for {
		select {
		case r.end.err = <-done:
			return
		case s := <-r.Signals:
			r.end.stopping = r.end.stopping || s != r.Reload
			if s != os.Interrupt || !r.Terminal {
				r.send(s)
			}
		case <-stop:
			stop, r.end.stopping = nil, true
			r.send(syscall.SIGTERM)
		case <-kill:
			_ = r.process.Kill()
		case <-look.C:
			if r.serve(ctx) == slot.Overdue && kill == nil {
				r.Log.Error("release rolled back: it was not healthy in time")
				r.end.overdue, kill = true, time.After(killAfter)
				r.send(syscall.SIGTERM)
			}
		}
	}
}

func (r *running) send(s os.Signal) {
	if err := relay(r.process, s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.Log.Warn("signal not passed on, the program is killed", "signal", s.String(), "err", err)
		_ = r.process.Kill()
	}
}

// serve does what the program requests, and looks at times whether its probation is over.
func (r *running) serve(ctx context.Context) slot.Verdict {
	if handover.Asked(r.Inbox, handover.RequestApply) {
		if _, err := r.Slots.Apply(ctx); err != nil {
			r.Log.Error("release not applied", "err", err)
		}
	}
	if !handover.Asked(r.Inbox, handover.RequestHealthy) && time.Since(r.blessed) < cmp.Or(r.bless, blessEvery) {
		return ""
	}
	r.blessed = time.Now()
	verdict, err := r.Slots.Bless()
	if err != nil {
		r.Log.Error("probation not checked", "err", err)
	}
	return verdict
}

// ending is how a program ended, and why where that is known.
type ending struct {
	code       int
	signal     string
	notStarted bool
	stopping   bool // a signal or the end of ctx asked it to
	overdue    bool
	err        error
}

func (e *ending) record(p *os.ProcessState) {
	e.code = p.ExitCode()
	if e.signal = signalOf(p); e.signal != "" {
		e.code = 1
	}
}

// exit describes the ending in the words of a service manager.
func (e ending) exit() state.Exit {
	switch {
	case e.notStarted && (errors.Is(e.err, os.ErrPermission) || errors.Is(e.err, syscall.ENOEXEC)):
		return state.Exit{Result: "exit-code", Code: "exited", Status: "203"} // systemd's code for a program that this host does not let run
	case e.notStarted:
		return state.Exit{Result: "resources"}
	case e.overdue:
		return state.Exit{Result: "timeout", Code: "killed", Status: e.signal}
	case e.stopping && (e.signal == "TERM" || e.signal == "INT"), e.code == 0 && e.signal == "", e.code == handover.ExitRestart:
		return state.Exit{Result: "success", Code: "exited", Status: strconv.Itoa(e.code)}
	case e.signal != "":
		return state.Exit{Result: "signal", Code: "killed", Status: e.signal}
	}
	return state.Exit{Result: "exit-code", Code: "exited", Status: strconv.Itoa(e.code)}
}
