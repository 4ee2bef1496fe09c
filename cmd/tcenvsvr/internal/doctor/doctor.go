package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/host/setup"
)

// Verdict is a finding in one word.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warn"
	Failed  Verdict = "fail"
	Skipped Verdict = "skip"
)

// Finding is what one check has to say.
type Finding struct {
	Group   string  `json:"group"`
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Why     string  `json:"why"`
	Try     string  `json:"try,omitempty"` // where something is wrong
}

// said is a finding without its row.
type said struct {
	Verdict    Verdict
	Found, Try string
}

func ok(format string, args ...any) said   { return said{OK, fmt.Sprintf(format, args...), ""} }
func skip(format string, args ...any) said { return said{Skipped, fmt.Sprintf(format, args...), ""} }

func warn(try, format string, args ...any) said {
	return said{Warning, fmt.Sprintf(format, args...), try}
}

func fail(try, format string, args ...any) said {
	return said{Failed, fmt.Sprintf(format, args...), try}
}

// check is one row of the table.
type check struct {
	group, name, why string
	look             func(context.Context, *patient) said
}

// Host is what was seen of the host alone, by whoever may see most of it.
type Host struct {
	said  map[string]said // by the name of the check
	steps []setup.Result
	hung  *said // why the steps are not known

	asRoot bool
}

// LookAtHost makes the checks that touch nothing of the agent's and
// run nothing that its settings name: root makes them as root.
func LookAtHost(ctx context.Context, c Config) Host {
	h := Host{said: map[string]said{}, asRoot: os.Geteuid() == 0}
	for _, row := range hostTable {
		h.said[row.name] = bounded(ctx, patience, func(ctx context.Context) said { return row.look(ctx, nil) })
	}
	h.hostSetUp(ctx, c)
	return h
}

const (
	atOnce   = 4
	patience = 25 * time.Second // of one check
)

// Run makes every other check and returns the findings in the order of the
// table. It runs the interpreters that the settings name, so it is not for root
// where the settings are somebody else's.
func Run(ctx context.Context, c Config, h Host) []Finding {
	p := newPatient(ctx, c)
	findings := make([]Finding, len(table))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, row := range table {
		g.Go(func() error {
			s := bounded(ctx, patience, func(ctx context.Context) said { return row.look(ctx, p) })
			findings[i] = Finding{row.group, row.name, s.Verdict, s.Found, row.why, s.Try}
			return nil
		})
	}
	_ = g.Wait() // no check returns an error
	for _, row := range hostTable {
		s := h.said[row.name]
		findings = append(findings, Finding{row.group, row.name, s.Verdict, s.Found, row.why, s.Try})
	}
	findings = append(findings, p.steps(h)...)
	slices.SortStableFunc(findings, func(a, b Finding) int { return slices.Index(groups, a.Group) - slices.Index(groups, b.Group) })
	return findings
}

// bounded gives up on a check that does not come back, e.g. from a file
// system whose server is gone. Its goroutine stays behind; the program ends soon.
func bounded(ctx context.Context, limit time.Duration, look func(context.Context) said) said {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan said, 1)
	go func() { done <- look(ctx) }()
	grace := time.NewTimer(limit + time.Second) // a check that heeds ctx says more than we can
	defer grace.Stop()
	select {
	case s := <-done:
		return s
	case <-grace.C:
		return fail("see why the host does not answer: a file system or a directory service may hang", "no answer within %s", limit)
	}
}

// Sound reports whether no check failed.
func Sound(all []Finding) bool {
	for _, f := range all {
		if f.Verdict == Failed {
			return false
		}
	}
	return true
}
