package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Execute runs root as [cobra.Command.ExecuteContext] does, except that a word which is no command
// is a [UsageError]. Cobra answers a wrong word after a group, before --help or after "help" with a
// help text and success, and a script that misspelled a command would go on as if the command had
// run.
func Execute(ctx context.Context, root *cobra.Command) error {
	var wrong error // what HelpFunc cannot return
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if wrong = checkWords(c, c.Flags().Args()); wrong == nil {
			show(c, args)
		}
	})
	flagError := root.FlagErrorFunc()
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if wrong := checkWords(c, c.Flags().Args()); wrong != nil { // the flags belong to the command that was meant
			return wrong
		}
		return flagError(c, err)
	})
	checkGroups(root)
	replaceHelp(root)
	describeCompletion(root)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return wrong
}

// checkWords returns an error for words after a command that takes subcommands only.
func checkWords(c *cobra.Command, words []string) error {
	if len(words) == 0 || c.HasParent() && c.Runnable() && !c.HasSubCommands() {
		return nil
	}
	return unknown(c, words[0])
}

// checkGroups has every command with subcommands check its words; cobra does so for the root alone.
func checkGroups(c *cobra.Command) {
	if c.HasSubCommands() {
		c.Args = checkWords
	}
	for _, sub := range c.Commands() {
		checkGroups(sub)
	}
}

// replaceHelp makes "help" refuse unknown words, too.
func replaceHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Short, c.Run = "help for a command or a topic", nil
		c.RunE = func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err != nil {
				return Usage("%w", err)
			}
			if len(rest) > 0 {
				return unknown(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}
	}
}

// describeCompletion describes cobra's command in one line like those of all other commands.
func describeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "print the script by which a shell completes commands"
		}
	}
}

// unknown is the error for a word that is no command of c; its hint names commands that look alike.
func unknown(c *cobra.Command, word string) error {
	c.SuggestionsMinimumDistance = min(2, len(word)/2) // "foo" was not meant to be "log"
	var near []string
	suggested := c.SuggestionsFor(word)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && len(word) > 2 && letters(sub.Name()) == letters(word) && !slices.Contains(suggested, sub.Name()) {
			suggested = append(suggested, sub.Name()) // "evn"
		}
	}
	for _, s := range suggested {
		near = append(near, fmt.Sprintf("%q", c.CommandPath()+" "+s))
	}
	hint := runHelp(c)
	if near != nil {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
	}
	return Usage("unknown command %q for %q\nhint: %s", word, c.CommandPath(), hint)
}

// letters are those of a word in the order of the alphabet.
func letters(word string) string {
	b := []byte(word)
	slices.Sort(b)
	return string(b)
}
