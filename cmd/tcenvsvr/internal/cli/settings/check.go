package settings

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func checkCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "say whether the settings are right",
		Long: `Check reads the settings as the agent does at its start and says everything that
is wrong with them: unknown names, values that are not allowed, and settings that do not fit
together. Whether what they name can be reached is the business of "tcenvsvr doctor".

  tcenvsvr settings check`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			s, _, err := Load(e)
			if err == nil {
				err = errors.Join(s.Check(), s.Enrolled())
			}
			if asJSON {
				return cli.PrintJSON(e.Stdout, checked(err))
			}
			if err == nil {
				fmt.Fprintln(e.Stdout, "the settings are right")
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer in JSON; the exit code is then 0 whatever is wrong")
	return c
}

type checkAnswer struct {
	OK       bool     `json:"ok"`
	Enrolled bool     `json:"enrolled"`
	Problems []string `json:"problems"`
}

func checked(err error) checkAnswer {
	a := checkAnswer{OK: err == nil, Enrolled: !errors.Is(err, settings.ErrNotEnrolled), Problems: []string{}}
	for _, e := range flatten(err) {
		a.Problems = append(a.Problems, e.Error())
	}
	return a
}

// flatten returns the errors that errors.Join joined.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error }) // the outermost one is meant
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
