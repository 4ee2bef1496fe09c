package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// Store checks whether writes to the store are durable.
func Store(s *store.Store) Check {
	return Check{"store", func(ctx context.Context) Finding {
		h := s.Health()
		switch {
		case errors.Is(h.Err, quota.ErrFull):
			return Finding{Failed, "it takes no writes: " + h.Err.Error(), "make room on that disk; the cloud goes on by itself"}
		case h.Err != nil && s.Embedded():
			return Finding{Failed, "it takes no writes: " + h.Err.Error(), diskHint}
		case h.Err != nil:
			return Finding{Failed, "NATS takes no writes: " + h.Err.Error(),
				"start the NATS nodes that are away (more than half must run); the cloud goes on by itself"}
		}
		nodes, away, err := s.Copies(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return uncounted("NATS does not answer")
		case err != nil:
			return uncounted(err.Error())
		case len(away) > 0:
			return Finding{Warning, fmt.Sprintf("writes are durable; of %d copies, those on %q are away or behind", nodes, away),
				"start those NATS nodes: one more that goes away may stop the cloud"}
		case nodes > 1:
			return Finding{State: OK, Text: fmt.Sprintf("writes are durable on %d copies", nodes)}
		}
		return Finding{State: OK, Text: "writes are durable"}
	}}
}

func uncounted(why string) Finding {
	return Finding{Warning, "writes are durable; its copies were not counted: " + why, "ask NATS: nats stream report"}
}

// diskHint says what to do about a disk that fails.
const diskHint = "look at the disk and the system's log (dmesg), check it, mount it writable; the cloud goes on by itself"

// Disk checks whether files can be written in dir, and how much space is left.
func Disk(dir string) Check {
	path := filepath.Join(dir, "health")
	return Check{"disk", func(context.Context) Finding {
		r, err := quota.RoomAt(dir)
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return Finding{Failed, err.Error(), diskHint}
		}
		more := fmt.Sprintf("make room there: at least %d MB must be free; the cloud goes on by itself", r.Reserve()>>20)
		err = atomicfile.WriteFile(path, []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
		switch {
		case space.Full(err) || r.Total > 0 && r.Full():
			return Finding{Failed, "it is full: " + r.String(), more}
		case err != nil:
			return Finding{Failed, fmt.Sprintf("a file cannot be written: %v", err), diskHint}
		case r.Total > 0 && r.Low():
			return Finding{NoIntake, "it is nearly full: " + r.String(), more}
		}
		return Finding{State: OK, Text: r.String()}
	}}
}

const (
	// jump is by how much a clock may be set without a warning.
	jump = 5 * time.Second
	// remember is how long there is a warning after a jump.
	remember = 10 * time.Minute
)

// Clock checks whether the wall clock runs like the monotonic one. server returns the time of NATS,
// zero if it has none.
func Clock(server func(ctx context.Context) (time.Time, error)) Check {
	last := time.Now()
	var set time.Time
	var what string
	return Check{"clock", func(ctx context.Context) Finding {
		now := time.Now()
		if d := now.Round(0).Sub(last.Round(0)) - now.Sub(last); max(d, -d) > jump {
			set, what = now, fmt.Sprintf("it was set by %s, from %s to %s", d.Round(time.Second),
				last.Add(now.Sub(last)).UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
		}
		last = now
		if what != "" && now.Sub(set) < remember {
			return Finding{Warning, what, "make sure that it is right now (timedatectl): certificates and schedules go by it"}
		}
		if theirs, err := server(ctx); err == nil && !theirs.IsZero() {
			if d := time.Since(theirs); max(d, -d) > jump {
				return Finding{Warning, fmt.Sprintf("it differs from NATS' clock by %s", d.Round(time.Second)), "set both by NTP"}
			}
		}
		return Finding{State: OK, Text: now.UTC().Format(time.RFC3339)}
	}}
}

// How long before a certificate ends there is a warning.
const (
	serverEnds    = 14 * 24 * time.Hour
	authorityEnds = 90 * 24 * time.Hour
)

// Certificates checks whether the server's certificate and the CA of agents are valid.
func Certificates(server, authority func() *x509.Certificate) Check {
	return Check{"certificates", func(context.Context) Finding {
		now := time.Now()
		good := Finding{State: OK}
		for _, c := range []struct {
			what, try string
			cert      *x509.Certificate
			soon      time.Duration
		}{
			{"the server's certificate", "give --cert and --key a new one and start the cloud again", server(), serverEnds},
			{"the CA of the servers' certificates", "agents trust this CA only: plan to enroll them anew", authority(), authorityEnds},
		} {
			day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
			switch {
			case now.Before(c.cert.NotBefore):
				return Finding{Failed, fmt.Sprintf("%s is valid from %s on, and the clock says %s", c.what, c.cert.NotBefore.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime)),
					"set the clock (timedatectl)"}
			case now.After(c.cert.NotAfter):
				return Finding{Failed, fmt.Sprintf("%s ended on %s", c.what, day(c.cert.NotAfter)), c.try + "; or set the clock, if it is wrong"}
			case c.cert.NotAfter.Sub(now) < min(c.soon, c.cert.NotAfter.Sub(c.cert.NotBefore)/10):
				good = Finding{Warning, fmt.Sprintf("%s ends on %s", c.what, day(c.cert.NotAfter)), c.try}
			case good.Text == "":
				good.Text = fmt.Sprintf("%s is valid until %s", c.what, day(c.cert.NotAfter))
			}
		}
		return good
	}}
}
