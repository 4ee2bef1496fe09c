package strict

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Execute is root.ExecuteContext; a word that is no command is an error,
// made one of the command line by usage.
func Execute(ctx context.Context, root *cobra.Command, usage func(c *cobra.Command, err error) error) error {
	var wrong error // what HelpFunc cannot return
	judge := func(c *cobra.Command, words []string) error {
		if len(words) == 0 || c.HasParent() && c.Runnable() && !c.HasSubCommands() {
			return nil
		}
		return usage(c, unknown(c, words[0]))
	}
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if wrong = judge(c, c.Flags().Args()); wrong == nil {
			show(c, args)
		}
	})
	flagError := root.FlagErrorFunc()
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if wrong := judge(c, c.Flags().Args()); wrong != nil { // its flags are those of something else
			return wrong
		}
		return flagError(c, err)
	})
	groups(root, judge)
	helpVerb(root, usage)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return wrong
}

// groups has every command with subcommands judge its words; cobra would
// do so for the root alone.
func groups(c *cobra.Command, judge cobra.PositionalArgs) {
	if c.HasSubCommands() {
		c.Args = judge
	}
	for _, sub := range c.Commands() {
		groups(sub, judge)
	}
}

// helpVerb makes "help" as strict as the rest.
func helpVerb(root *cobra.Command, usage func(*cobra.Command, error) error) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Run = nil
		c.RunE = func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err != nil {
				return usage(root, err)
			}
			if len(rest) > 0 {
				return usage(about, unknown(about, rest[0]))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}
	}
}

// unknown says which command was perhaps meant.
func unknown(c *cobra.Command, word string) error {
	err := fmt.Errorf("unknown command %q for %q", word, c.CommandPath())
	c.SuggestionsMinimumDistance = min(2, len(word)/2) // "foo" was not meant to be "log"
	var near []string
	for _, s := range c.SuggestionsFor(word) {
		near = append(near, fmt.Sprintf("%q", c.CommandPath()+" "+s))
	}
	if near == nil {
		return fmt.Errorf("%w\nhint: run %q", err, c.CommandPath()+" --help")
	}
	return fmt.Errorf("%w\nhint: did you mean %s?", err, strings.Join(near, " or "))
}
