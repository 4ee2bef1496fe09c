package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

func most(n int64) int64  { return n - 1 }
func least(n int64) int64 { return 0 }

func failed(code fault.Code) *ended { return &ended{fault: &fault.Fault{Code: code}} }

func TestPlanIsFullJitterWithCap(t *testing.T) {
	var p, q plan
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
	for n, w := range want {
		if got, _ := p.next(failed("tcp.refused"), most); got != w*time.Second {
			t.Errorf("retry %d is at most %v, want %v", n+1, got, w*time.Second)
		}
		if got, _ := q.next(failed("tcp.refused"), least); got != floorDelay {
			t.Errorf("retry %d is at least %v, want %v", n+1, got, floorDelay)
		}
	}
}

func TestPlanStartsAnewAfterAStableSession(t *testing.T) {
	tests := map[string]struct {
		end  ended
		want time.Duration
	}{
		"stable":         {ended{lasted: stable}, time.Second},
		"short":          {ended{lasted: stable - 1}, capDelay},
		"fenced":         {ended{lasted: stable, fault: &fault.Fault{Code: "session.fenced"}}, capDelay},
		"fenced late":    {ended{lasted: stableFenced, fault: &fault.Fault{Code: "session.fenced"}}, time.Second},
		"retry after":    {ended{wait: time.Hour}, time.Hour + capDelay},
		"goaway":         {ended{wait: 7 * time.Second, exact: true, lasted: time.Second}, 7 * time.Second},
		"store is away":  {ended{wait: 7 * time.Second, exact: true}, 7 * time.Second},
		"clocks apart":   {ended{fault: &fault.Fault{Code: "tls.expired"}}, clockDelay},
		"clocks apart 2": {ended{fault: &fault.Fault{Code: "hello.clock"}}, clockDelay},
		"left in time":   {ended{exact: true, lasted: stable}, floorDelay},
		"goaway at once": {ended{exact: true, lasted: time.Second}, capDelay},
	}
	for name, tt := range tests {
		p := plan{failures: 10}
		if tt.end.fault == nil {
			tt.end.fault = &fault.Fault{Code: "session.closed"}
		}
		got, earliest := p.next(&tt.end, most)
		if got != tt.want || earliest != tt.end.wait {
			t.Errorf("%s: got %v, earliest %v, want %v, %v", name, got, earliest, tt.want, tt.end.wait)
		}
	}
}

// deaf is a Dialer that notes when it is used and never connects.
type deaf struct{ at []time.Time }

func (d *deaf) DialContext(context.Context, string, string) (net.Conn, error) {
	d.at = append(d.at, time.Now())
	return nil, syscall.ECONNREFUSED
}

// unconnected runs a link that cannot connect, in fake time.
func unconnected(t *testing.T, random func(int64) int64, body func(*testing.T, *Link, *deaf, *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, log := &deaf{}, &bytes.Buffer{}
		l, err := New(Config{
			Address: "broker.test", Dialer: d, Handler: nobody{},
			TLS:    func() (*tls.Config, error) { return &tls.Config{}, nil },
			Hello:  func() wire.Hello { return wire.Hello{} },
			Logger: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		l.watch, l.random = nil, random
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		body(t, l, d, log)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

type nobody struct{}

func (nobody) OnWelcome(wire.Welcome) {}
func (nobody) OnMessage(wire.Message) {}
func (nobody) OnDisconnect(error)     {}

func TestRunRetriesForEver(t *testing.T) {
	unconnected(t, most, func(t *testing.T, l *Link, d *deaf, log *bytes.Buffer) {
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(d.at); n < 24*60-2 || n > 24*60+10 {
			t.Errorf("%d attempts in a day", n)
		}
		s := l.State()
		if s.Failure.Code != "tcp.refused" || s.Attempts != len(d.at) || time.Until(s.NextRetry) > capDelay {
			t.Errorf("state is %+v", s)
		}
		text := log.String()
		if n := strings.Count(text, "connecting to the cloud failed"); n != 1 {
			t.Errorf("the first failure is logged %d times", n)
		}
		if n := strings.Count(text, "still not connected"); n < 24*60/11-2 || n > 24*6 {
			t.Errorf("the going failure is logged %d times in a day", n)
		}
	})
}

func TestWakeRetriesAtOnceButNotTooOften(t *testing.T) {
	unconnected(t, most, func(t *testing.T, l *Link, d *deaf, _ *bytes.Buffer) {
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		before := len(d.at)
		l.Wake()
		synctest.Wait()
		if len(d.at) != before+1 || d.at[before] != time.Now() {
			t.Fatalf("%d attempts after Wake, want %d at once", len(d.at), before+1)
		}
		for range 100 { // as many in 10 s
			l.Wake()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := len(d.at) - before - 1; n < 1 || n > 2 {
			t.Errorf("%d attempts by 100 changes in 10 s, want 1 or 2", n)
		}
	})
}

func TestReporterTellsOfANewCodeAtOnce(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	var r reporter
	now := time.Now()
	for _, code := range []fault.Code{"tcp.refused", "tcp.refused", "proxy.auth", "proxy.auth", "tcp.refused"} {
		r.report(log, failed(code), time.Second, now)
	}
	if n := strings.Count(b.String(), "level=WARN"); n != 3 {
		t.Errorf("%d warnings, want 3:\n%s", n, b.String())
	}
}
