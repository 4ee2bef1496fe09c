package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"tcenvsvr/test/stage"
)

// mishap is something that breaks and is mended.
type mishap struct {
	name string
	sick bool // Apps fail of it, too
	hurt func()
	said func() error // on both sides while it lasts; nil: there is nothing that could
	cure func()
}

func (w *storm) faults() []mishap {
	nothing := func() {}
	unfit := func() error { return errors.Join(w.agentSays("host."), w.cloudLists("takes no orders: host.")) }
	unwell := w.cloudIsUnwell
	lose := func(how func()) func() {
		return func() { w.lost = append(w.lost, time.Now()); how() }
	}
	return []mishap{
		{"agent killed", false, func() { w.agent.Kill() }, func() error { return w.cloudLists("away") }, w.startAgent},
		{"agent restarted", false, func() { w.agent.Stop(time.Minute) }, nil, w.startAgent},
		{"cloud killed", false, func() { w.cloud.Kill() }, func() error { return w.agentSays("not connected") }, w.startCloud},
		{"both killed", false, func() { w.cloud.Kill(); w.agent.Kill() }, nil, func() { w.startCloud(); w.startAgent() }},
		{"shim killed", false, w.killShim, nil, nothing},
		{"agent's disk lost", true, w.home.Shutdown, unfit, w.home.Back},
		{"cloud's disk lost", false, lose(w.data.Shutdown), unwell, w.data.Back},
		{"both disks lost", true, lose(func() { w.home.Shutdown(); w.data.Shutdown() }), unwell, func() { w.data.Back(); w.home.Back() }},
		{"agent's disk full", true, func() { w.home.Fill(0) }, unfit, w.home.Free},
		{"agent's inodes used up", true, w.home.FillInodes, unfit, w.home.Free},
		{"cloud's disk full", false, func() { w.data.Fill(0) }, unwell, w.data.Free},
		{"cloud's inodes used up", false, w.data.FillInodes, unwell, w.data.Free},
		{"agent's disk read-only", true, w.home.ReadOnly, unfit, w.home.Writable},
		{"cloud's disk read-only", false, lose(w.data.ReadOnly), unwell, w.data.Writable},
		{"agent's disk frozen", false, w.home.Freeze, unfit, w.home.Thaw},
		{"cloud's disk frozen", false, w.data.Freeze, unwell, w.data.Thaw},
		{"agent killed on a lost disk", true, func() { w.home.Shutdown(); w.agent.Kill() }, nil, func() { w.home.Back(); w.startAgent() }},
		{"cloud killed on a lost disk", false, lose(func() { w.data.Shutdown(); w.cloud.Kill() }), nil, func() { w.data.Back(); w.startCloud() }},
	}
}

// suffer lets one fault happen and end, and waits until orders run again.
func (w *storm) suffer(f mishap) {
	begun := time.Now()
	f.hurt()
	said := "-"
	if f.said != nil {
		w.soon(f.name+": waiting until both sides say it", f.said)
		said = time.Since(begun).Round(100 * time.Millisecond).String()
	}
	f.cure()
	cured := time.Now()
	w.soon(f.name+": waiting until orders run again", w.runsAgain())
	if f.sick {
		w.mu.Lock()
		w.sick = append(w.sick, span{begun, time.Now()})
		w.mu.Unlock()
	}
	w.t.Logf("%-28s said after %-6s orders run %s after it was over", f.name, said, time.Since(cured).Round(100*time.Millisecond))
}

// soon is eventually for what takes ten seconds, or thirty, on a machine with nothing else to do.
func (w *storm) soon(doing string, f func() error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	w.must(stage.Eventually(ctx, f), doing)
}

// runsAgain gives an order, as soon as one is taken, and waits until it has run. What has ended by
// itself is started again.
func (w *storm) runsAgain() func() error {
	var id string
	return func() error {
		w.revive()
		if id == "" {
			given, err := w.give(0)
			if err != nil {
				return err
			}
			id = given
		}
		var e execution
		if err := w.operator.JSON(w.ctx, &e, "execution", "show", id); err != nil {
			return err
		}
		if !e.Ended {
			return fmt.Errorf("order %s is %s: %s", id, e.State, e.Reason)
		}
		return errors.Join(w.agentSays("well"), w.cloudLists("connected"), w.cloudIsWell())
	}
}

// revive is the service manager.
func (w *storm) revive() {
	for _, p := range []struct {
		*stage.Process
		start func()
	}{{w.agent.Process, w.startAgent}, {w.cloud.Process, w.startCloud}} {
		select {
		case <-p.Done():
			w.t.Logf("process %d had ended by itself", p.PID())
			p.start()
		default:
		}
	}
}

func (w *storm) startAgent() { w.must(w.agent.Start(stormFlags...), "starting the agent") }
func (w *storm) startCloud() { w.must(w.cloud.Restart(w.ctx), "starting the cloud") }

// agentSays looks for a word in what the agent says of itself.
func (w *storm) agentSays(want string) error {
	st, err := w.agent.Status(w.ctx)
	if err != nil {
		return err
	}
	says := "well"
	switch {
	case st.Unfit != nil:
		says = st.Unfit.Code + ": " + st.Unfit.Message
	case !st.Link.Connected:
		says = "not connected"
		if f := st.Link.Failure; f != nil {
			says += ": " + f.Code + ": " + f.Message
		}
	}
	if !strings.HasPrefix(says, want) {
		return fmt.Errorf("the agent says %q, not %q", says, want)
	}
	return nil
}

// cloudLists looks for a word in what the cloud says of the agent.
func (w *storm) cloudLists(want string) error {
	text, err := w.operator.Do(w.ctx, "server", "list")
	if err == nil && !strings.Contains(text, " "+want) {
		err = fmt.Errorf("the cloud lists no server as %q:\n%s", want, text)
	}
	return err
}

// cloudIsUnwell wants the exit code that says that the cloud takes or stores nothing.
func (w *storm) cloudIsUnwell() error {
	_, err := w.operator.Do(w.ctx, "status")
	if failed, ok := errors.AsType[*stage.CommandError](err); ok && failed.Code == exitUnwell {
		return nil
	}
	return fmt.Errorf("the cloud does not say that it is unwell: %w", err)
}

const exitUnwell = 6 // of tccloud

func (w *storm) cloudIsWell() error {
	_, err := w.operator.Do(w.ctx, "status")
	return err
}

var inJob = regexp.MustCompile(`/exchange/jobs/([^/]+)/`)

// killShim kills the shim of a job that runs, should there be one, and remembers whose.
func (w *storm) killShim() {
	for pid, what := range processesIn(w.Dir) {
		if !strings.HasSuffix(what, "tcenvsvr-shim") {
			continue
		}
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range open {
			to, _ := os.Readlink(fd)
			if job := inJob.FindStringSubmatch(to); job != nil {
				w.killed[job[1]] = true
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
		}
	}
	w.t.Log("no App was running whose shim could be killed")
}
