package help

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
)

// A Topic is one page of reference.
type Topic struct {
	Name     string // as in "tcenvsvr help NAME"
	Short    string // lower case, no full stop
	Intro    string // one paragraph
	Sections []Section
}

// A Section is a list of terms with a title above it.
type Section struct {
	Title  string // a sentence with a colon at its end; "" = none
	Term   string // heading of the first column in Markdown
	Text   string // heading of the second column in Markdown
	Column int    // width of the terms' column in plain text
	Rows   []Row
}

// A Row explains one term.
type Row struct{ Term, Text string }

// Topics are all topics, in the order of their names. The exit codes are those of the program.
func Topics(exits cli.ExitCodes) []Topic {
	return []Topic{errorCodes(), exitCodes(exits), files(), settingsFile(), updateStates(), variables()}
}

// manual is the annotation of a topic's command that holds its manual page.
const manual = "manual page"

// Commands are the topics as commands that only "help" and "man" know how to use.
func Commands(exits cli.ExitCodes) []*cobra.Command {
	var all []*cobra.Command
	for _, t := range Topics(exits) {
		all = append(all, &cobra.Command{
			Use: t.Name, Short: t.Short, Long: t.text(), Annotations: map[string]string{manual: t.man()},
		})
	}
	return all
}
