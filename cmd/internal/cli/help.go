package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations of a flag: its heading in help, and that it is listed there by its name alone.
const (
	group = "group"
	brief = "brief"
)

// GroupFlags has help list these flags under a heading of their own, below the command's others.
func GroupFlags(fs *pflag.FlagSet, title string, names ...string) {
	for _, name := range names {
		_ = fs.SetAnnotation(name, group, []string{title}) // an unknown name is a mistake that TestHelp shows
	}
}

// BriefFlags is [GroupFlags] for flags that are many and are explained elsewhere, as the title says.
func BriefFlags(fs *pflag.FlagSet, title string, names ...string) {
	GroupFlags(fs, title, names...)
	for _, name := range names {
		_ = fs.SetAnnotation(name, brief, []string{"yes"})
	}
}

// showHelp prints the help of c: how it is called, what it does, what is below it, its flags by
// their groups. The exit codes, the same for all commands, are one line here and a topic.
func showHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND [flags]"
	}
	if c.IsAdditionalHelpTopicCommand() {
		fmt.Fprintln(w, strings.TrimRight(c.Long, "\n"))
		return
	}
	fmt.Fprintf(w, "Usage:\n  %s\n", use)
	if len(c.Aliases) > 0 {
		fmt.Fprintf(w, "  or %s in place of %s\n", strings.Join(c.Aliases, ", "), c.Name())
	}
	long, _, codes := strings.Cut(c.Long, "\n\nExit codes:\n")
	if long == "" {
		long = c.Short
	}
	fmt.Fprintf(w, "\n%s\n", strings.TrimRight(long, "\n"))
	showCommands(w, c)
	showFlags(w, c)
	if codes {
		fmt.Fprintf(w, "\nExit codes: \"%s help exit-codes\"\n", c.Root().Name())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n\"%s COMMAND --help\" says more about a command.\n", c.CommandPath())
	}
}

// showCommands lists the commands below c by their sections, and at the root the topics.
func showCommands(w io.Writer, c *cobra.Command) {
	list := func(title string, wanted func(*cobra.Command) bool) {
		t := Columns(w)
		for i, sub := range slices.DeleteFunc(slices.Clone(c.Commands()), func(sub *cobra.Command) bool { return !wanted(sub) }) {
			if i == 0 {
				fmt.Fprintf(t, "\n%s\n", title)
			}
			fmt.Fprintf(t, "  %s\t%s\n", sub.Name(), sub.Short)
		}
		_ = t.Flush() // to a terminal or a pipe that is gone
	}
	for _, g := range c.Groups() {
		list(g.Title, func(sub *cobra.Command) bool { return sub.GroupID == g.ID && sub.IsAvailableCommand() })
	}
	list("Commands:", func(sub *cobra.Command) bool { return sub.GroupID == "" && sub.IsAvailableCommand() })
	if !c.HasParent() {
		list(fmt.Sprintf("Topics of \"%s help\":", c.Name()), (*cobra.Command).IsAdditionalHelpTopicCommand)
	}
}

// showFlags lists the flags of c, then those of each group, then those that all commands have.
func showFlags(w io.Writer, c *cobra.Command) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags = c.Flags().SortFlags
	var titles []string
	groups := map[string]*pflag.FlagSet{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		title := strings.Join(f.Annotations[group], "")
		switch {
		case title == "" && c.Root().PersistentFlags().Lookup(f.Name) == f && c.HasParent():
			title = "Flags of all commands"
		case title == "":
			own.AddFlag(f)
			return
		}
		if groups[title] == nil {
			titles = append(titles, title)
			groups[title] = pflag.NewFlagSet("", pflag.ContinueOnError)
		}
		groups[title].AddFlag(f)
	})
	show := func(title string, fs *pflag.FlagSet) {
		if fs.HasAvailableFlags() {
			fmt.Fprintf(w, "\n%s:\n", title)
			if list := names(fs); list != "" {
				fmt.Fprint(w, list)
				return
			}
			fmt.Fprint(w, fs.FlagUsages())
		}
	}
	show("Flags", own)
	for _, title := range titles {
		show(title, groups[title])
	}
}

// names lists the brief flags of a group, as many on a line as fit.
func names(fs *pflag.FlagSet) string {
	text, line := "", " "
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[brief] == nil {
			return
		}
		if len(line)+len(f.Name) > 95 {
			text, line = text+line+"\n", " "
		}
		line += " --" + f.Name
	})
	if line == " " {
		return ""
	}
	return text + line + "\n"
}
