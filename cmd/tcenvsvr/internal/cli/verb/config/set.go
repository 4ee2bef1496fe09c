package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/prompt"
)

func set(e *verb.Env) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "set NAME VALUE | NAME=VALUE…",
		Short: "change settings in the file",
		Long: `Set checks the new values, writes all of them or none, and tells a running agent.
It says which ones take effect at once and which after a restart. NAME= empties a
setting, so that its default counts again. Values with which the agent would not start
are refused; --force writes them.

Every user of this host can read command lines, so a secret cannot stand there. NAME alone
asks for the value, without echo for a secret, or takes it from standard input;
NAME=@FILE reads it from a file.

  tcenvsvr settings set proxyPort 3128
  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true
  tcenvsvr settings set proxyPassword
  tcenvsvr settings set brokerToken=@/root/token
  tcenvsvr settings set proxyPassword < /root/password`,
		Args:              cli.AtLeast(1, "NAME VALUE, NAME=VALUE, NAME=@FILE or NAME"),
		ValidArgsFunction: completeKeys,
		RunE: func(c *cobra.Command, args []string) error {
			words, err := assignments(args)
			if err != nil {
				return err
			}
			changes, err := readChanges(c.Context(), e, words)
			if err != nil {
				return err
			}
			return save(c.Context(), e, changes, force)
		},
	}
	forceFlag(c, &force)
	e.Reads(c, valueFiles)
	return c
}

// forceFlag is the same for all verbs that save.
func forceFlag(c *cobra.Command, force *bool) {
	c.Flags().BoolVar(force, "force", false, "save also what keeps the agent from starting")
}

func unset(e *verb.Env) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "unset NAME…",
		Short: "remove settings from the file",
		Long: `Unset removes settings from the file, so that their defaults count again. It is
refused where the agent would not start without them; --force does it.

  tcenvsvr settings unset proxyHost proxyPort proxyTC`,
		Args:              cli.AtLeast(1, "names of settings"),
		ValidArgsFunction: completeKeys,
		RunE: func(c *cobra.Command, args []string) error {
			changes := map[string]string{}
			for _, key := range args {
				s, err := lookup(key)
				if err != nil {
					return err
				}
				changes[s.Name] = ""
			}
			return save(c.Context(), e, changes, force)
		},
	}
	forceFlag(c, &force)
	return c
}

// readChanges turns arguments into values by name.
func readChanges(ctx context.Context, e *verb.Env, args []string) (map[string]string, error) {
	changes := map[string]string{}
	asked := ""
	for _, arg := range args {
		key, text, given := strings.Cut(arg, "=")
		s, err := lookup(key)
		if unknown, ok := errors.AsType[*settings.UnknownKeyError](err); ok && !given && unknown.Nearest == "" {
			return nil, fmt.Errorf("%w\nhint: %s", err, writing)
		}
		if err != nil {
			return nil, err
		}
		if _, twice := changes[s.Name]; twice {
			return nil, cli.Usage("setting %q is given twice", s.Name)
		}
		switch file, isFile := strings.CutPrefix(text, "@"); {
		case isFile:
			text, err = readFile(e, s, file)
		case !given && asked != "" && !(prompt.Prompt{In: e.Stdin}).OnTerminal():
			return nil, cli.Usage("standard input has one value, for %q; give %q as %s=@FILE", asked, s.Name, s.Name)
		case !given:
			asked = s.Name
			text, err = ask(ctx, e, s)
		case s.Secret && text != "":
			return nil, cli.Usage("setting %q is secret and others can read command lines\nhint: give it as %s=@FILE, or type %s alone to be asked for it", s.Name, s.Name, s.Name)
		}
		if err != nil {
			return nil, err
		}
		changes[s.Name] = text
	}
	return changes, nil
}

// readFile takes a value from a file, without the line break that editors
// put at its end.
func readFile(e *verb.Env, s settings.Setting, file string) (string, error) {
	f, err := e.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading setting %q: %w", s.Name, err)
	}
	defer f.Close()
	return readValue(s, f)
}

func readValue(s settings.Setting, r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, settings.MaxText+3))
	if err != nil {
		return "", fmt.Errorf("reading setting %q: %w", s.Name, err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

func ask(ctx context.Context, e *verb.Env, s settings.Setting) (string, error) {
	p := prompt.Prompt{In: e.Stdin, Out: e.Stderr}
	if !p.OnTerminal() {
		return readValue(s, e.Stdin)
	}
	question := p.Line
	if s.Secret {
		question = p.Secret
	}
	text, err := question(ctx, s.Name+": ")
	if err != nil {
		return "", fmt.Errorf("asking for setting %q: %w", s.Name, err)
	}
	return text, nil
}
