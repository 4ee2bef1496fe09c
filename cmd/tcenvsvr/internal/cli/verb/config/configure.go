package config

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/prompt"
)

func configure(e *verb.Env) *cobra.Command {
	var sets []string
	var force bool
	c := &cobra.Command{
		Use:   "configure",
		Short: "change settings by a numbered menu",
		Long: `Configure asks, one line at a time: 1: System Configuration, 2: Edit System Config,
then the number of a setting. New values are tried at once (is there a Java 17? does the proxy
answer?), secrets are not shown, and nothing is written before all changes were shown and
confirmed. End of input and Ctrl-C leave everything as it was.

With --set it asks nothing: the same checks, then the file is written. A secret
comes from a file or, as a name alone, from standard input. --force also saves what
keeps the agent from starting.

  tcenvsvr configure
  tcenvsvr configure --set appsJavaHome=/usr/lib/jvm/java-17-openjdk --set proxyPassword=@/root/password`,
		Args: cli.Exactly(0, "no arguments, only flags"),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(sets) == 0 {
				return newMenu(e).run(c.Context())
			}
			changes, err := readChanges(c.Context(), e, sets)
			if err != nil {
				return err
			}
			return setAll(c.Context(), e, changes, force)
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "change a setting as NAME=VALUE, NAME=@FILE or NAME; repeatable")
	forceFlag(c, &force)
	e.Reads(c, func([]string) []string { return valueFiles(sets) })
	return c
}

// setAll is what the menu does, without asking.
func setAll(ctx context.Context, e *verb.Env, changes map[string]string, force bool) error {
	s, _, err := load(e)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range verb.SortedKeys(changes) {
		row, _ := settings.Lookup(name)
		if changes[name] == "" {
			continue
		}
		if _, err := row.Parse(changes[name]); err != nil {
			continue // save says it, with all others
		}
		if _, err := try(ctx, s, changes, row.Name); err != nil {
			errs = append(errs, fmt.Errorf("trying setting %q: %w", row.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w\nhint: \"tcenvsvr settings set\" writes without trying", err)
	}
	return save(ctx, e, changes, force)
}

// menu is one visit. Changes are kept until they are saved.
type menu struct {
	e       *verb.Env
	ask     prompt.Prompt
	changes map[string]string
}

func newMenu(e *verb.Env) *menu {
	return &menu{e: e, ask: prompt.Prompt{In: e.Stdin, Out: e.Stdout}, changes: map[string]string{}}
}

// errLeave ends the menu from wherever it is.
var errLeave = errors.New("left")

func (m *menu) run(ctx context.Context) error {
	err := m.choose(ctx, "ThreatConnect Environment Server", "quit", []choice{{"System Configuration", m.system}})
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, errLeave) {
		if len(m.changes) > 0 {
			m.say("Nothing was saved.")
		}
		return nil
	}
	m.say("Nothing was saved.")
	return err
}

func (m *menu) system(ctx context.Context) error {
	return m.choose(ctx, "System Configuration", "back", []choice{
		{"Show System Config", func(context.Context) error { return m.list() }},
		{"Edit System Config", m.edit},
	})
}

type choice struct {
	name string
	do   func(context.Context) error
}

// choose shows numbered choices until the person leaves.
func (m *menu) choose(ctx context.Context, title, leave string, choices []choice) error {
	for {
		m.say("\n%s", title)
		for i, c := range choices {
			m.say("  %d: %s", i+1, c.name)
		}
		answer, err := m.ask.Line(ctx, fmt.Sprintf("Number, or q to %s: ", leave))
		if err != nil {
			return err
		}
		if answer == "q" {
			return nil
		}
		n := number(answer)
		if n < 1 || n > len(choices) {
			m.say("There is no %q.", answer)
			continue
		}
		if err := choices[n-1].do(ctx); err != nil {
			return err
		}
	}
}

func (m *menu) say(format string, args ...any) { fmt.Fprintf(m.ask.Out, format+"\n", args...) }

// number is a whole number from 1 to 999, 0 for anything else.
func number(text string) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || len(text) > 3 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
