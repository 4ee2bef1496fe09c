package cli

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"tcenvsvr/agent/plain"
)

// table prints rows under a heading, columns separated by tabs.
func table(w io.Writer, heading string, rows func(row func(...any))) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, heading)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cell(c))
		}
		fmt.Fprintln(t)
	})
	_ = t.Flush() // to a terminal or a pipe that has gone
}

// facts prints names and values, without those that are empty.
func facts(w io.Writer, pairs ...any) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := cell(pairs[i+1]); v != "" {
			fmt.Fprintf(t, "%v\t%s\n", pairs[i], v)
		}
	}
	_ = t.Flush() // to a terminal or a pipe that has gone
}

// cell is v without what would begin another column.
func cell(v any) string { return printable(fmt.Sprint(v)) }

// printable keeps what an App or an agent said from steering the terminal.
func printable(s string) string { return plain.Line(s) }

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
