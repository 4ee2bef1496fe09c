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
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

func running(_ context.Context, p *patient) said {
	switch {
	case p.statusErr == nil:
		return ok("version %s, up %s, %d of %d slots in use", p.status.Version, millis(p.status.UptimeMS), p.status.Active, p.status.Executors)
	case errors.Is(p.statusErr, control.ErrNotRunning):
		return warn(startIt(), "it does not run")
	case errors.Is(p.statusErr, os.ErrPermission):
		return skip("only root and the agent's user may ask it")
	}
	return fail("see its log; restart it", "it does not answer: %v", p.statusErr)
}

// startIt says how.
func startIt() string { return fmt.Sprintf("start it as root: %q", svc.Advice()) }

func millis(n int64) time.Duration { return (time.Duration(n) * time.Millisecond).Round(time.Second) }

func connection(_ context.Context, p *patient) said {
	if p.statusErr != nil {
		return skip("the agent cannot be asked; see network")
	}
	l := p.status.Link
	if l.Connected {
		return ok("connected to %s (%s) for %s, round trip %s", l.Broker, l.Transport, l.For.Round(time.Second), l.RTT.Round(10*time.Microsecond))
	}
	if l.Failure != nil {
		return fail(l.Failure.Hint, "not connected to %s: %s", l.Broker, l.Failure)
	}
	return warn("wait a moment", "not connected to %s yet", l.Broker)
}

// oneHost reports a clone of this host, or that this is one.
func oneHost(_ context.Context, p *patient) said {
	if p.statusErr != nil {
		return skip("the agent cannot be asked")
	}
	l, t := p.status.Link, p.status.Twin
	switch {
	case t != nil:
		return fail(controlapi.TwinHint, "a second host runs as this server: %s (host %s in the cloud)", t, t.Host)
	case !l.Connected && l.Failure != nil && l.Failure.Code == "hello."+fault.Code(wire.CodeInUse):
		return fail(l.Failure.Hint, "%s", l.Failure.Message)
	case !l.Connected:
		return skip("the cloud cannot be asked")
	}
	return ok("no other host runs as this server")
}

func outbox(_ context.Context, p *patient) said {
	switch n := p.status.Outbox; {
	case p.statusErr != nil:
		return skip("the agent cannot be asked")
	case p.status.Unclaimed > 0:
		return warn("see the log of the cloud: its store may have been set back to an older state; the results are offered again for a week",
			"the cloud has no record of the orders of %d results", p.status.Unclaimed)
	case n > 0 && p.status.Link.Connected:
		return warn("look again; if it stays, see the log of the cloud", "%d results wait for the cloud to acknowledge them", n)
	case n > 0:
		return warn("they go out with the next connection", "%d results wait for a connection", n)
	case p.status.Draining:
		return warn("the cloud or an administrator ended the flow of orders; resume it there", "the agent is draining and takes no orders")
	}
	return ok("no result waits")
}

// fit says whether the host can run Apps, as the agent found out.
func fit(_ context.Context, p *patient) said {
	switch u := p.status.Unfit; {
	case p.statusErr != nil:
		return skip("the agent cannot be asked")
	case u != nil:
		return fail(cmp.Or(agent.HostHint(u.Code), `see "tcenvsvr log"`), "it takes no orders for %s: %s (%s); it goes on by itself when it can",
			time.Since(u.Since).Round(time.Second), u.Message, u.Code)
	}
	return ok("this host can run Apps")
}

// damagedApps says which Apps the disk has spoiled since the agent's start.
func damagedApps(_ context.Context, p *patient) said {
	d := p.status.DamagedApps
	switch {
	case p.statusErr != nil:
		return skip("the agent cannot be asked")
	case len(d) > 0:
		return warn("check the disk (dmesg); this is said until the agent is started again", "%d were damaged since the agent's start; the newest: %s", len(d), d[len(d)-1])
	}
	return ok("none was found damaged since the agent's start")
}

// journalHealth looks at the files only: the agent holds their lock, and
// opening them would repair what should be seen.
func journalHealth(_ context.Context, p *patient) said {
	var files, bytes int64
	err := fs.WalkDir(os.DirFS(p.Paths.Journal), ".", func(_ string, d fs.DirEntry, err error) error {
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
	case p.statusErr == nil && p.status.JournalDamage != "":
		return warn("check the disk; the journal is mended, and this is said until the agent is started again", "it was damaged: %s", p.status.JournalDamage)
	case bytes > 1<<30:
		return warn("connect the agent, so that results are delivered", "%d files, %s", files, size(bytes))
	}
	return ok("%d files, %s", files, size(bytes))
}
