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

// Verdict is the result of a check in one word.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warn"
	Failed  Verdict = "fail"
	Skipped Verdict = "skip"
)

// Finding is the result of one check, as it is reported.
type Finding struct {
	Group   string  `json:"group"`
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Why     string  `json:"why"`
	Try     string  `json:"try,omitempty"` // what to do, where something is wrong
}

// outcome is the result of a check, without what the table says about the check.
type outcome struct {
	Verdict    Verdict
	Found, Try string
}

func ok(format string, args ...any) outcome { return outcome{OK, fmt.Sprintf(format, args...), ""} }
func skip(format string, args ...any) outcome {
	return outcome{Skipped, fmt.Sprintf(format, args...), ""}
}

func warn(try, format string, args ...any) outcome {
	return outcome{Warning, fmt.Sprintf(format, args...), try}
}

func fail(try, format string, args ...any) outcome {
	return outcome{Failed, fmt.Sprintf(format, args...), try}
}

// check is one row of the table.
type check struct {
	group, name, why string
	run              func(context.Context, *target) outcome
}

// Host has the outcomes of the checks of the host alone.
type Host struct {
	outcomes map[string]outcome // by the name of the check
	steps    []setup.Result     // of the host's setup
	hung     *outcome           // why the steps are not known

	asRoot bool
}

// CheckHost runs the checks that touch none of the agent's files and start no program that its
// settings name. Root runs them as root, who sees most.
func CheckHost(ctx context.Context, c Config) Host {
	h := Host{outcomes: map[string]outcome{}, asRoot: os.Geteuid() == 0}
	for _, row := range hostTable {
		h.outcomes[row.name] = bounded(ctx, checkTimeout, func(ctx context.Context) outcome { return row.run(ctx, nil) })
	}
	h.checkSetup(ctx, c)
	return h
}

const (
	atOnce       = 4
	checkTimeout = 25 * time.Second // of one check
)

// Run runs all other checks and returns all findings in the order of the table. It starts the
// interpreters that the settings name, so root must not call it where the settings belong to
// somebody else.
func Run(ctx context.Context, c Config, h Host) []Finding {
	t := newTarget(ctx, c)
	findings := make([]Finding, len(table))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, row := range table {
		g.Go(func() error {
			s := bounded(ctx, checkTimeout, func(ctx context.Context) outcome { return row.run(ctx, t) })
			findings[i] = Finding{row.group, row.name, s.Verdict, s.Found, row.why, s.Try}
			return nil
		})
	}
	_ = g.Wait() // no check returns an error
	for _, row := range hostTable {
		s := h.outcomes[row.name]
		findings = append(findings, Finding{row.group, row.name, s.Verdict, s.Found, row.why, s.Try})
	}
	findings = append(findings, t.setupFindings(h)...)
	slices.SortStableFunc(findings, func(a, b Finding) int { return slices.Index(groups, a.Group) - slices.Index(groups, b.Group) })
	return findings
}

// bounded gives up on a check that does not return, such as one that waits for a file system whose
// server is gone. Its goroutine stays behind; the program ends soon.
func bounded(ctx context.Context, limit time.Duration, run func(context.Context) outcome) outcome {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan outcome, 1)
	go func() { done <- run(ctx) }()
	grace := time.NewTimer(limit + time.Second) // a check that obeys ctx knows more than we do
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
