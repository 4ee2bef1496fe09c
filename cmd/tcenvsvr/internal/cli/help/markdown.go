package help

import (
	"fmt"
	"strings"
)

// Markdown is the topic as tables, for a README.
func (t Topic) Markdown() string {
	var b strings.Builder
	if t.Intro != "" {
		fmt.Fprintf(&b, "%s\n\n", t.Intro)
	}
	for i, s := range t.Sections {
		if i > 0 {
			b.WriteString("\n")
		}
		if s.Title != "" && len(t.Sections) > 1 { // the heading above says it already
			fmt.Fprintf(&b, "%s\n\n", s.Title)
		}
		fmt.Fprintf(&b, "| %s | %s |\n|---|---|\n", s.Term, s.Text)
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSpace(r.Term), strings.ReplaceAll(r.Text, "|", `\|`))
		}
	}
	return b.String()
}
