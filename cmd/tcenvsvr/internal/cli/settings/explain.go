package settings

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// explanation is the answer of "settings explain --json".
type explanation struct {
	value
	Help        string `json:"help"`
	Wants       string `json:"wants"`
	Default     string `json:"default"`
	Environment string `json:"environment"`
	Flag        string `json:"flag,omitempty"`
	Menu        int    `json:"menu"`
}

func explainCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain KEY",
		Short: "say all there is to know about a setting",
		Long: `Explain tells what a setting does, which values it allows, what it is now and
where that comes from, and when a change takes effect.

  tcenvsvr settings explain queueTransport`,
		Args:              cli.Exactly(1, "the name of a setting"),
		ValidArgsFunction: completeKeys,
		RunE: func(_ *cobra.Command, args []string) error {
			row, err := lookup(args[0])
			if err != nil {
				return err
			}
			x, loadErr := explained(e, row)
			if asJSON {
				return errors.Join(cli.PrintJSON(e.Stdout, x), loadErr)
			}
			w := cli.Columns(e.Stdout)
			line := func(what, text string) { fmt.Fprintf(w, "%s\t%s\n", what, text) }
			line(x.Name, x.Help)
			line("values", x.Wants)
			line("default", Shown(x.Default))
			if loadErr == nil {
				line("now", Shown(x.Value)+" ("+x.Origin+")")
			}
			line("applies", Applies(row))
			line("environment", x.Environment)
			if x.Flag != "" {
				line("flag", x.Flag)
			}
			line("menu", fmt.Sprintf("%d in \"tcenvsvr configure\"", x.Menu))
			return errors.Join(w.Flush(), loadErr)
		},
	}
	cli.JSONVar(c, &asJSON)
	return c
}

// explained has what the table of settings knows even where the settings cannot be loaded, which is
// when people ask.
func explained(e *env.Env, row settings.Setting) (explanation, error) {
	x := explanation{
		value: value{Name: row.Name, Secret: row.Secret, Live: row.Live},
		Help:  row.Help, Wants: Wants(row), Default: row.Default, Environment: row.Env(),
	}
	if !row.Secret {
		x.Flag = "--" + row.Name + " of \"tcenvsvr run\""
	}
	for i, s := range settings.All {
		if s.Name == row.Name {
			x.Menu = i + 1
		}
	}
	s, o, err := Load(e)
	if err != nil {
		return x, err
	}
	x.value = values(s, o)[x.Menu-1]
	return x, nil
}
