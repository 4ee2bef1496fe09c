package cli

import "github.com/spf13/cobra"

// Root returns the root command of a program, without subcommands. It prints neither errors nor
// usage by itself: [ExitCodes.Report] does. A wrong flag, here or below, is a [UsageError].
func Root(name, short, long string) *cobra.Command {
	root := &cobra.Command{Use: name, Short: short, Long: long, SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return Usage("%w\nhint: %s", err, runHelp(c)) })
	root.SetHelpFunc(showHelp)
	return root
}

// Group returns a command that only has subcommands. Called alone it prints its help.
func Group(use, short, long string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long}
	c.AddCommand(subs...)
	return c
}

// Section is one heading of the root's help with the commands below it.
type Section struct {
	Title    string // as help prints it, without a colon
	Commands []*cobra.Command
}

// AddSections adds the commands of all sections to root, whose help lists them under their titles.
func AddSections(root *cobra.Command, sections ...Section) {
	for _, s := range sections {
		root.AddGroup(&cobra.Group{ID: s.Title, Title: s.Title + ":"})
		for _, c := range s.Commands {
			c.GroupID = s.Title
			root.AddCommand(c)
		}
	}
}
