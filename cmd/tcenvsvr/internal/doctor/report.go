package doctor

import (
	"fmt"
	"strings"
)

// Report is what --json prints.
type Report struct {
	OK       bool      `json:"ok"` // no check failed
	Version  string    `json:"version"`
	Findings []Finding `json:"findings"`
	Fixed    []string  `json:"fixed,omitempty"`
}

// String returns the report by groups: one line for each check, and for a warning or a failure also
// why it matters and what to do.
func (r Report) String() string {
	var b strings.Builder
	for _, fixed := range r.Fixed {
		fmt.Fprintf(&b, "fixed: %s\n", fixed)
	}
	group, count := "", map[Verdict]int{}
	for _, f := range r.Findings {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "%s\n", group)
		}
		count[f.Verdict]++
		fmt.Fprintf(&b, "  %-4s  %-18s  %s\n", f.Verdict, f.Name, f.Found)
		if f.Verdict == Failed || f.Verdict == Warning {
			fmt.Fprintf(&b, "        %-18s  why: %s\n", "", f.Why)
			fmt.Fprintf(&b, "        %-18s  try: %s\n", "", f.Try)
		}
	}
	fmt.Fprintf(&b, "%d ok, %d warnings, %d failed, %d skipped\n", count[OK], count[Warning], count[Failed], count[Skipped])
	return b.String()
}
