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
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/state"
)

// Launcher is the parent of the program. Signals and Log may be nil.
type Launcher struct {
	Slots *slot.Slots
	Inbox string   // where the program puts its requests
	Args  []string // of the program

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Signals are passed on. All but Reload also mean that the program is not started again.
	Signals <-chan os.Signal
	Reload  os.Signal
	// Terminal says that an interrupt reaches the program without us: passed on, it would be the second one.
	Terminal bool
	// Hopeless are exit codes of a program that a restart does not help, such as wrong
	// settings. A release on trial is never hopeless: it is what may be wrong.
	Hopeless []int

	Log *slog.Logger

	bless time.Duration // blessEvery, less in tests
}

// Exited is how a program ended that is not started again.
type Exited struct{ Code int }

func (e *Exited) Error() string { return fmt.Sprintf("the program ended with exit code %d", e.Code) }

const (
	lookEvery  = 200 * time.Millisecond // at the inbox
	blessEvery = time.Minute            // also without a request: a trial may be overdue
	firstPause = 100 * time.Millisecond // after a crash; doubled each time
	lastPause  = 30 * time.Second
	ranWell    = time.Minute // a program that ran so long begins with firstPause again
	killAfter  = time.Minute // a release that is given up and does not end
)

// Run starts the chosen program, again and again, until it ends for good or ctx does.
func (l *Launcher) Run(ctx context.Context) error {
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	// On Linux the program is told when the thread that started it is gone.
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
		case end.told && class == state.Clean:
			return nil
		case end.told, !choice.Trial && slices.Contains(l.Hopeless, end.code):
			return &Exited{end.code}
		case end.code == restartMe || end.overdue:
			pause = firstPause
			continue
		case class == state.Clean:
			return nil
		}
		l.Log.Error("program ended", "version", choice.Version, "exit_code", end.code, "class", class, "trial", choice.Trial, "err", end.err)
		if choice.Trial || time.Since(began) > ranWell {
			pause = firstPause
		}
		if !l.rest(ctx, pause) {
			return &Exited{end.code}
		}
		pause = min(2*pause, lastPause)
	}
}

// rest waits and reports whether it was left in peace.
func (l *Launcher) rest(ctx context.Context, pause time.Duration) bool {
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
	p.end.take(c.ProcessState)
	return p.end
}

// running is a program that runs.
type running struct {
	*Launcher
	process *os.Process
	blessed time.Time
	end     ending
}

// supervise does root's part while the program runs.
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
			r.end.told = r.end.told || s != r.Reload
			if s != os.Interrupt || !r.Terminal {
				r.send(s)
			}
		case <-stop:
			stop, r.end.told = nil, true
			r.send(syscall.SIGTERM)
		case <-kill:
			_ = r.process.Kill()
		case <-look.C:
			if r.serve(ctx) == slot.Overdue && kill == nil {
				r.Log.Error("release given up: it was not healthy in time")
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

// serve answers the requests of the program.
func (r *running) serve(ctx context.Context) slot.Verdict {
	if r.asked(inbox.Apply) {
		if _, err := r.Slots.Apply(ctx); err != nil {
			r.Log.Error("release not applied", "err", err)
		}
	}
	if !r.asked(inbox.Healthy) && time.Since(r.blessed) < cmp.Or(r.bless, blessEvery) {
		return ""
	}
	r.blessed = time.Now()
	verdict, err := r.Slots.Bless()
	if err != nil {
		r.Log.Error("trial not judged", "err", err)
	}
	return verdict
}

func (r *running) asked(request string) bool {
	_, err := os.Lstat(filepath.Join(r.Inbox, request))
	return err == nil
}

// restartMe is the exit code of a program that wants to be started again.
const restartMe = 75

// ending is how a program ended, and why if we know.
type ending struct {
	code       int
	signal     string
	notStarted bool
	told       bool // by a signal that we passed on
	overdue    bool
	err        error
}

func (e *ending) take(p *os.ProcessState) {
	e.code = p.ExitCode()
	if e.signal = signalOf(p); e.signal != "" {
		e.code = 1
	}
}

// exit is e in the words of a service manager.
func (e ending) exit() state.Exit {
	switch {
	case e.notStarted && (errors.Is(e.err, os.ErrPermission) || errors.Is(e.err, syscall.ENOEXEC)):
		return state.Exit{Result: "exit-code", Code: "exited", Status: "203"} // systemd's for a program that this host does not let run
	case e.notStarted:
		return state.Exit{Result: "resources"}
	case e.overdue:
		return state.Exit{Result: "timeout", Code: "killed", Status: e.signal}
	case e.told && (e.signal == "TERM" || e.signal == "INT"), e.code == 0 && e.signal == "", e.code == restartMe:
		return state.Exit{Result: "success", Code: "exited", Status: strconv.Itoa(e.code)}
	case e.signal != "":
		return state.Exit{Result: "signal", Code: "killed", Status: e.signal}
	}
	return state.Exit{Result: "exit-code", Code: "exited", Status: strconv.Itoa(e.code)}
}
