package app

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/app/vet"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// checked is the answer of "app check".
type checked struct {
	App      string        `json:"app,omitempty"`
	Version  string        `json:"version,omitempty"`
	Right    bool          `json:"right"`
	Problems []vet.Problem `json:"problems"`
}

func things(n int) string {
	if n == 1 {
		return "1 thing is"
	}
	return fmt.Sprintf("%d things are", n)
}

func checkCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "check APP.tcx",
		Short: "say all that is wrong with an App's package",
		Long: `Check reads the package and says all that is wrong with it at once, by the lines of its
install.json. Nothing of it is run. What is only odd is a warning: the App can run with it.
Exit code 0 says that every Environment Server takes the package, 1 that something is wrong.

  tcenvsvr app check my_app.tcx
  tcenvsvr app check my_app.tcx --json`,
		Args: cli.Exactly(1, "the App's file"),
	}
	asJSON := cli.JSONFlag(c)
	e.Reads(c, func(args []string) []string { return args })
	c.RunE = func(_ *cobra.Command, args []string) error {
		f, err := e.Open(args[0])
		if err != nil {
			return fmt.Errorf("reading App: %w", err)
		}
		defer f.Close()
		a := checked{Problems: append([]vet.Problem{}, vet.Check(f)...)}
		wrong := len(a.Problems) - len(vet.Warnings(a.Problems))
		a.Right = wrong == 0
		if m, top, err := tcx.ReadManifestOf(f, tcx.Limits{}); err == nil {
			a.App, a.Version = cmp.Or(m.ProgramName, top), m.ProgramVersion
		}
		err = cli.Answer(e.Stdout, *asJSON, a, func(w io.Writer) {
			for _, p := range a.Problems {
				fmt.Fprintln(w, p)
			}
			if a.Right {
				fmt.Fprintf(w, "App %q %s is right\n", a.App, a.Version)
			}
		})
		if err == nil && !a.Right {
			err = fmt.Errorf("checking App %q: %s wrong", args[0], things(wrong))
		}
		return err
	}
	return c
}
