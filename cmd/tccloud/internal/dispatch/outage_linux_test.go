package dispatch_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/test/disk"
)

// recovery is how long after the cause's end all must be as before.
const recovery = 30 * time.Second

// TestStoreFails: the disk under the embedded store fails for longer than the lease, while one
// order runs and another one's result is on its failure. Each failure is the kernel's own.
func TestStoreFails(t *testing.T) {
	for name, failure := range map[string]struct {
		fail, mend func(*disk.Disk)
	}{
		"gone":      {(*disk.Disk).Shutdown, (*disk.Disk).Back},
		"read-only": {(*disk.Disk).ReadOnly, (*disk.Disk).Writable},
		"full":      {func(d *disk.Disk) { d.Fill(0) }, (*disk.Disk).Free},
		"frozen":    {(*disk.Disk).Freeze, (*disk.Disk).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := disk.New(t, disk.Size(96<<20))
			const lease = 8 * time.Second
			c := rig.Start(t, rig.Options{
				Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
				Dir:      filepath.Join(d.Dir, "store"),
				Dispatch: func(c *dispatch.Config) { c.Lease, c.LogBytes = lease, 16<<20 },
			})
			a := c.Agent("s1", 3)
			runs, ended := running(c, a, retryable), running(c, a)

			failure.fail(d)
			a.Send(rig.Result(ended))
			for acked := false; !acked; { // until the session ends: it may hang as long as the disk does
				m, err := a.Recv()
				if err != nil {
					break
				}
				if ack, ok := m.(*wire.ResultAck); ok {
					t.Fatalf("the result was answered with %+v while it could not be stored", ack)
				}
			}
			notice := time.Now().Add(recovery)
			for began := time.Now(); time.Since(began) < lease+time.Second; time.Sleep(100 * time.Millisecond) {
				if c.Store.Health().Err != nil {
					continue
				}
				if began = time.Now(); began.After(notice) {
					t.Fatal("the store does not notice that its disk fails")
				}
			}
			if name != "frozen" { // there it would only wait
				_, err := c.Join("s2", 1)
				if r, ok := errors.AsType[*rig.Refusal](err); !ok || r.Why.Code != wire.CodeRetryLater || r.Why.Message != "the cloud cannot store anything now" {
					t.Errorf("a session that cannot be written down: %v", err)
				}
			}
			failure.mend(d)
			for end := time.Now().Add(recovery); c.Store.Health().Err != nil; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the store does not recover: %v", c.Store.Health().Err)
				}
			}
			time.Sleep(lease / 4) // agents do not come back in the same moment

			back := rejoin(c, "s1", 1, func(h *wire.Hello) {
				h.Orders = []wire.InFlight{{Ref: runs, State: wire.StateRunning}}
				h.Results = []wire.Ref{ended}
			})
			if len(back.Welcome.Fenced) > 0 {
				t.Fatalf("welcome fences %v", back.Welcome.Fenced)
			}
			finish(c, back, ended)
			finish(c, back, runs)
			// And it is as good as before.
			next := rig.Expect[*wire.Order](submitTo(c, back)).Ref
			finish(c, back, next)
		})
	}
}

// rejoin joins as an agent does: again and again.
func rejoin(c *rig.Cloud, xid wire.ServerXID, slots int, hello func(*wire.Hello)) *rig.Agent {
	c.T.Helper()
	for end := time.Now().Add(recovery); ; time.Sleep(100 * time.Millisecond) {
		a, err := c.Join(xid, slots, rig.Dialing{Hello: hello})
		if err == nil {
			return a
		}
		if refused, ok := errors.AsType[*rig.Refusal](err); ok && refused.Why.Code != wire.CodeRetryLater {
			c.T.Fatalf("refused with %+v", refused.Why)
		}
		if time.Now().After(end) {
			c.T.Fatalf("joining as %q %s after the store is back: %v", xid, recovery, err)
		}
	}
}
