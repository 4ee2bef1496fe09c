package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"tcenvsvr/agent/logging/plain"

	"github.com/spf13/cobra"
)

// JSONFlag adds --json to a command that answers.
func JSONFlag(c *cobra.Command) *bool {
	var asJSON bool
	JSONVar(c, &asJSON)
	return &asJSON
}

// JSONVar is [JSONFlag] for a variable that the command's function uses already.
func JSONVar(c *cobra.Command, asJSON *bool) {
	c.Flags().BoolVar(asJSON, "json", false, "answer in JSON")
}

// Answer prints v as JSON, or has text print it for people.
func Answer(w io.Writer, asJSON bool, v any, text func(io.Writer)) error {
	if asJSON {
		return PrintJSON(w, v)
	}
	text(w)
	return nil
}

// PrintJSON prints v as indented JSON; <, > and & stay as they are.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Table prints rows in columns below a heading, whose columns are separated by tabs. rows calls row
// once for each line; a cell is one line without control characters, whatever its value holds.
func Table(w io.Writer, heading string, rows func(row func(cells ...any))) {
	t := Columns(w)
	fmt.Fprintln(t, heading)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, plain.Line(fmt.Sprint(c)))
		}
		fmt.Fprintln(t)
	})
	_ = t.Flush() // to a terminal or a pipe that is gone
}

// Facts prints pairs of a name and a value, one pair on a line, and leaves out empty values.
func Facts(w io.Writer, pairs ...any) {
	t := Columns(w)
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := plain.Line(fmt.Sprint(pairs[i+1])); v != "" {
			fmt.Fprintf(t, "%v\t%s\n", pairs[i], v)
		}
	}
	_ = t.Flush() // to a terminal or a pipe that is gone
}

// Columns returns a writer that aligns columns separated by tabs. It prints at Flush. Unlike
// [Table] and [Facts] it leaves text as it is, so values of others need [plain.Line].
func Columns(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }
