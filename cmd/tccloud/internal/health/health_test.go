package health_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/cmd/tccloud/internal/health"
)

// TestMonitor: the worst decides, each change is logged once, and a look that does not come back is
// a finding.
func TestMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer // written under the monitor's lock, read when it has ended
		var now atomic.Pointer[health.Finding]
		set := func(f health.Finding) { now.Store(&f) }
		set(health.Finding{State: health.OK, Text: "fine"})
		hang := make(chan struct{})
		m := health.New(t.Context(), slog.New(slog.NewTextHandler(&log, nil)),
			health.Check{Name: "one", Look: func(context.Context) health.Finding { return *now.Load() }},
			health.Check{Name: "two", Look: func(context.Context) health.Finding {
				if now.Load().State == health.Failed {
					<-hang
				}
				return health.Finding{State: health.OK}
			}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		check := func(want health.State, worst string, intake bool) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if r := m.Report(); r.State != want || r.Worst().Name != worst || r.Intake() != intake {
				t.Errorf("got %+v, want %s by %s", r, want, worst)
			}
		}
		check(health.OK, "one", true)
		set(health.Finding{State: health.Warning, Text: "look", Try: "this"})
		check(health.Warning, "one", true)
		set(health.Finding{State: health.NoIntake, Text: "full"})
		check(health.NoIntake, "one", false)
		set(health.Finding{State: health.Failed, Text: "gone"})
		check(health.Failed, "one", false)
		if r := m.Report(); r.Checks[1].State != health.Failed || r.Checks[1].Text != "looking at it takes longer than 8s: the disk or the store does not answer" {
			t.Errorf("a look that hangs: %+v", r.Checks[1])
		}
		set(health.Finding{State: health.OK})
		close(hang)
		check(health.OK, "one", true)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for text, want := range map[string]int{"check=one state=warning": 1, "check=one state=failed": 1, "check=two state=failed": 1, "well again": 2} {
			if n := strings.Count(log.String(), text); n != want {
				t.Errorf("%q was logged %d times, want %d:\n%s", text, n, want, log.String())
			}
		}
	})
}

func TestCertificates(t *testing.T) {
	cert := func(from, to time.Duration) *x509.Certificate {
		return &x509.Certificate{NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to)}
	}
	const day = 24 * time.Hour
	good := cert(-day, 365*day)
	for name, tt := range map[string]struct {
		server, authority *x509.Certificate
		want              health.State
		text, try         string
	}{
		"good":          {good, good, health.OK, "valid until", ""},
		"to come":       {cert(day, 2*day), good, health.Failed, "the clock says", "set the clock (timedatectl)"},
		"over":          {cert(-2*day, -day), good, health.Failed, "ended on", "give --cert and --key a new one and start the cloud again; or set the clock, if it is wrong"},
		"ends soon":     {cert(-365*day, 3*day), good, health.Warning, "the server's certificate ends on", "give --cert and --key a new one and start the cloud again"},
		"CA ends soon":  {good, cert(-3650*day, 30*day), health.Warning, "the CA", "agents trust this CA only: plan to enroll them anew"},
		"CA is over":    {good, cert(-3650*day, -day), health.Failed, "the CA", "agents trust this CA only: plan to enroll them anew; or set the clock, if it is wrong"},
		"short by will": {cert(-time.Minute, time.Hour), good, health.OK, "valid until", ""},
	} {
		of := func(c *x509.Certificate) func() *x509.Certificate { return func() *x509.Certificate { return c } }
		f := health.Certificates(of(tt.server), of(tt.authority)).Look(t.Context())
		if f.State != tt.want || !strings.Contains(f.Text, tt.text) || f.Try != tt.try {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}

// TestClock: NATS' clock tells when ours is wrong.
func TestClock(t *testing.T) {
	var off time.Duration
	c := health.Clock(func(context.Context) (time.Time, error) { return time.Now().Add(off), nil })
	if f := c.Look(t.Context()); f.State != health.OK {
		t.Errorf("got %+v", f)
	}
	off = -time.Hour
	if f := c.Look(t.Context()); f.State != health.Warning || f.Text != "it differs from NATS' clock by 1h0m0s" || f.Try != "set both by NTP" {
		t.Errorf("got %+v", f)
	}
}
