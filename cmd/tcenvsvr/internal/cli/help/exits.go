package help

import (
	"cmp"
	"fmt"
	"slices"

	"tcenvsvr/cmd/internal/cli"
)

// exitCodes is for scripts, which branch on them.
func exitCodes(exits cli.ExitCodes) Topic {
	s := Section{Title: "Exit codes:", Term: "code", Text: "meaning", Column: 4}
	byCode := func(a, b cli.ExitCode) int { return cmp.Compare(a.Code, b.Code) }
	for _, x := range slices.SortedFunc(slices.Values(exits), byCode) {
		s.Rows = append(s.Rows, Row{fmt.Sprintf("%3d", x.Code), x.Meaning})
	}
	return Topic{Name: "exit-codes", Short: "what the exit codes mean", Sections: []Section{s}}
}
