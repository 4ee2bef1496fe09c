package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
)

func examine(t *testing.T, set map[string]string) map[string]Finding {
	t.Helper()
	c := installation(t, set)
	return findings(t, c, CheckHost(t.Context(), c))
}

// installation is a home with these settings; nil: it does not exist.
func installation(t *testing.T, set map[string]string) Config {
	t.Helper()
	p, err := paths.New(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		if err := p.Create(); err != nil {
			t.Fatal(err)
		}
		if err := settings.Set(p.Settings, set, nil); err != nil {
			t.Fatal(err)
		}
	}
	return Config{Paths: p}
}

// findings are those of a whole examination, by group and name.
func findings(t *testing.T, c Config, h Host) map[string]Finding {
	t.Helper()
	found := map[string]Finding{}
	for _, f := range Run(t.Context(), c, h) {
		if f.Why == "" || f.Found == "" || !slices.Contains(groups, f.Group) || (f.Verdict == Failed || f.Verdict == Warning) != (f.Try != "") {
			t.Errorf("finding %+v is not whole", f)
		}
		found[f.Group+"/"+f.Name] = f
	}
	return found
}

// Before enrollment nothing of the network is tried, and nothing has failed by that.
func TestBeforeEnrollment(t *testing.T) {
	found := examine(t, nil)
	for name, want := range map[string]Verdict{
		"agent/running": Warning, "settings/enrollment": Warning, "settings/values": OK, "network/broker TCP": Skipped, "network/API": Skipped,
	} {
		if got := found[name]; got.Verdict != want {
			t.Errorf("%s: %+v; want %s", name, got, want)
		}
	}
}

// A cloud that does not answer fails at the step that fails, with what to do.
func TestNobodyAnswers(t *testing.T) {
	found := examine(t, map[string]string{
		"apiURL": "https://127.0.0.1:1", "brokerHost": "127.0.0.1:1", "serverXid": "xid", "brokerToken": "token-1", "appDeliveryToken": "token-2",
	})
	for name, want := range map[string]string{"network/broker TCP": "tcp.refused", "network/API": "refused", "settings/client certificate": "there is no"} {
		if got := found[name]; got.Verdict != Failed || !strings.Contains(got.Found, want) {
			t.Errorf("%s: %+v; want failed by %q", name, got, want)
		}
	}
	if got := found["settings/enrollment"]; got.Verdict != OK {
		t.Errorf("enrollment: %+v", got)
	}
}

func TestAHungCheckIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		s := bounded(t.Context(), time.Second, func(context.Context) outcome { <-hung; return ok("") })
		if s.Verdict != Failed || !strings.Contains(s.Found, "no answer within 1s") || !strings.Contains(s.Try, "see why the host does not answer: a file system or a directory service may hang") {
			t.Errorf("got %+v", s)
		}
		close(hung)
	})
}

func TestSoundReport(t *testing.T) {
	r := Report{Findings: []Finding{{"host", "disk", Warning, "1 GB", "Apps need room", "free some"}, {"host", "cores", OK, "8 cores", "", ""}}}
	if !Sound(r.Findings) || Sound(append(r.Findings, Finding{Verdict: Failed})) {
		t.Error("only what failed makes a host unsound")
	}
	if text := r.String(); !strings.Contains(text, "why: Apps need room") || !strings.Contains(text, "1 ok, 1 warnings, 0 failed, 0 skipped") {
		t.Errorf("report:\n%s", text)
	}
}
