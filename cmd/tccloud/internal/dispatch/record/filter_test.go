package record

import (
	"testing"

	"tcenvsvr/agent/link/wire"
)

func TestFilter(t *testing.T) {
	e := &Execution{
		ID: "job-0123456789ab-d1", Environment: "lab", App: wire.AppRef{Name: "Scan", Version: "1.2"}, Server: "s",
		State: wire.State(wire.Failed), Created: now, Reason: "lost", Result: &wire.Result{Message: "Timeout at ÄRGER"},
	}
	for name, tt := range map[string]struct {
		f    Filter
		want bool
	}{
		"all":               {Filter{}, true},
		"environment":       {Filter{Environment: "lab"}, true},
		"other environment": {Filter{Environment: "la"}, false},
		"within":            {Filter{Within: []string{"a", "lab"}}, true},
		"within others":     {Filter{Within: []string{"a"}}, false},
		"within none":       {Filter{Within: []string{}}, false},
		"beyond":            {Filter{Environment: "lab", Within: []string{"a"}}, false},
		"state":             {Filter{State: wire.State(wire.Failed)}, true},
		"other state":       {Filter{State: wire.StateQueued}, false},
		"ended":             {Filter{State: Ended}, true},
		"active":            {Filter{State: Active}, false},
		"app":               {Filter{App: "Scan", Version: "1.2"}, true},
		"other version":     {Filter{App: "Scan", Version: "1.3"}, false},
		"server":            {Filter{Server: "s"}, true},
		"other server":      {Filter{Server: "t"}, false},
		"since, at once":    {Filter{Since: now, Until: now.Add(1)}, true},
		"since later":       {Filter{Since: now.Add(1)}, false},
		"until":             {Filter{Until: now}, false},
		"message":           {Filter{Text: "timeOUT"}, true},
		"letters":           {Filter{Text: "ärger"}, true},
		"reason":            {Filter{Text: "LOST"}, true},
		"id":                {Filter{Text: "6789AB"}, true},
		"app's name":        {Filter{Text: "scan"}, true},
		"no text":           {Filter{Text: "lab"}, false},
		"job":               {Filter{Text: "nightly", Jobs: []wire.JobID{"0123456789ab"}}, true},
		"other job":         {Filter{Text: "nightly", Jobs: []wire.JobID{"0123456789ac"}}, false},
		"two":               {Filter{Environment: "lab", State: wire.State(wire.Succeeded)}, false},
	} {
		if got := tt.f.Matches(e); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	if (&Filter{Text: "x", Jobs: []wire.JobID{""}}).Matches(&Execution{ID: "o"}) {
		t.Error("an execution that is no run of a Job matches")
	}
}

// A cursor that no list has given is refused.
func TestParsePlace(t *testing.T) {
	p := Place{Created: 1_764_460_800_000, ID: "o"}
	if got, err := ParsePlace(p.String()); err != nil || got != p {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", ".", "1764460800000", "1.o", "-000000000001.o", "1764460800000.a b"} {
		if got, err := ParsePlace(text); err == nil || err.Error() != "not a place among executions" {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"1764460800000.o", "0000000000000.job-1", "", ".", "1.o", "-100000000000.o", "17644608000000000.o"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePlace(s)
		if err == nil && (p.String() != s || p.Created < 0 || !p.ID.Valid()) {
			t.Errorf("%q is %+v and %q", s, p, p.String())
		}
	})
}
