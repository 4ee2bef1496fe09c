package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/journal"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

func running(_ context.Context, t *target) outcome {
	switch {
	case t.statusErr == nil:
		return ok("version %s, up %s, %d of %d slots in use", t.status.Version, millis(t.status.UptimeMS), t.status.Active, t.status.Executors)
	case errors.Is(t.statusErr, control.ErrNotRunning):
		return warn(startIt(), "it does not run")
	case errors.Is(t.statusErr, os.ErrPermission):
		return skip("only root and the agent's user may ask it")
	}
	return fail("see its log; restart it", "it does not answer: %v", t.statusErr)
}

// startIt is the hint how to start the agent.
func startIt() string { return fmt.Sprintf("start it as root: %q", svc.Advice()) }

func millis(n int64) time.Duration { return (time.Duration(n) * time.Millisecond).Round(time.Second) }

func connection(_ context.Context, t *target) outcome {
	if t.statusErr != nil {
		return skip("the agent cannot be asked; see network")
	}
	l := t.status.Link
	if l.Connected {
		return ok("connected to %s (%s) for %s, round trip %s", l.Broker, l.Transport, l.For.Round(time.Second), l.RTT.Round(10*time.Microsecond))
	}
	if l.Failure != nil {
		return fail(l.Failure.Hint, "not connected to %s: %s", l.Broker, l.Failure)
	}
	return warn("wait a moment: the agent tries again by itself", "not connected to %s yet", l.Broker)
}

// oneHost reports a clone of this host, or that this host is a clone.
func oneHost(_ context.Context, t *target) outcome {
	if t.statusErr != nil {
		return skip("the agent cannot be asked")
	}
	l, twin := t.status.Link, t.status.Twin
	switch {
	case twin != nil:
		return fail(controlapi.TwinHint, "a second host runs as this server: %s (host %s in the cloud)", twin, twin.Host)
	case !l.Connected && l.Failure != nil && l.Failure.Code == "hello."+fault.Code(wire.CodeInUse):
		return fail(l.Failure.Hint, "%s", l.Failure.Message)
	case !l.Connected:
		return skip("the cloud cannot be asked")
	}
	return ok("no other host runs as this server")
}

func outbox(_ context.Context, t *target) outcome {
	switch n := t.status.Outbox; {
	case t.statusErr != nil:
		return skip("the agent cannot be asked")
	case t.status.Unclaimed > 0:
		return warn("see the log of the cloud: its store may have been set back to an older state; the results are offered again for a week",
			"the cloud has no record of the orders of %d results", t.status.Unclaimed)
	case n > 0 && t.status.Link.Connected:
		return warn("look again; if it stays, see the log of the cloud", "%d results wait for the cloud to acknowledge them", n)
	case n > 0:
		return warn("they go out with the next connection", "%d results wait for a connection", n)
	case t.status.Draining:
		return warn("the cloud or an administrator ended the flow of orders; resume it there", "the agent is draining and takes no orders")
	}
	return ok("no result waits")
}

// fit reports whether the host can run Apps, as the agent knows it.
func fit(_ context.Context, t *target) outcome {
	switch u := t.status.Unfit; {
	case t.statusErr != nil:
		return skip("the agent cannot be asked")
	case u != nil:
		return fail(cmp.Or(agent.HostHint(u.Code), `see "tcenvsvr log"`), "it takes no orders for %s: %s (%s); it goes on by itself when it can",
			time.Since(u.Since).Round(time.Second), u.Message, u.Code)
	}
	return ok("this host can run Apps")
}

// damagedApps reports the Apps that the disk has damaged since the agent's start.
func damagedApps(_ context.Context, t *target) outcome {
	d := t.status.DamagedApps
	switch {
	case t.statusErr != nil:
		return skip("the agent cannot be asked")
	case len(d) > 0:
		return warn("check the disk (dmesg); this is reported until the agent is started again", "%d were damaged since the agent's start; the newest: %s", len(d), d[len(d)-1])
	}
	return ok("none was found damaged since the agent's start")
}

// journalHealth only looks: the agent holds the files' lock and knows what was wrong with them, and to open the
// journal would repair what should be reported.
func journalHealth(_ context.Context, t *target) outcome {
	var files, bytes int64
	err := fs.WalkDir(os.DirFS(t.Paths.Journal), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files, bytes = files+1, bytes+info.Size()
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return skip("there is none yet: the agent makes it")
	case errors.Is(err, fs.ErrPermission):
		return skip("only root and the agent's user may look")
	case err != nil:
		return fail("check the file system", "it cannot be read: %v", err)
	case t.statusErr == nil && t.status.JournalDamage != "":
		return warn("check the disk; the journal is mended, and this is reported until the agent is started again", "it was damaged: %s", t.status.JournalDamage)
	case t.statusErr == nil && t.status.JournalLoss != "":
		return warn("find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended; this is reported until the agent is started again",
			"%s", t.status.JournalLoss)
	case t.statusErr != nil:
		damage, err := journal.Look(t.Paths.Journal)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail("check the file system", "it cannot be read: %v", err)
		}
		if damage != "" {
			return warn("check the disk, then start the agent: it mends the journal, and says what became of the orders in it", "it is damaged: %s", damage)
		}
	}
	if bytes > 1<<30 {
		return warn("connect the agent, so that results are delivered", "%d files, %s", files, size(bytes))
	}
	return ok("%d files, %s", files, size(bytes))
}
