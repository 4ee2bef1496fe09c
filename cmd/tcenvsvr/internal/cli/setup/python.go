package setup

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup/interpreter"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func pythonCommand(e *env.Env) *cobra.Command {
	var python sources
	c := &cobra.Command{
		Use: "python", Short: "find or install Python 3.11 for Apps", Args: cli.Exactly(0, "no arguments"),
		Long: `Python finds Python 3.11 on this host, proves that it runs and speaks TLS, and
sets appsPythonHome311. With --from it takes a folder, or unpacks a .tar.gz below
HOME/python without any network; with --wheels it installs all wheels of a folder
by pip, offline. What it installs or is given can be read by every user, as Apps need.

  sudo tcenvsvr setup python
  sudo tcenvsvr setup python --from cpython-3.11-linux.tar.gz --wheels ./wheels`,
		RunE: func(c *cobra.Command, _ []string) error {
			return runSetup(c, e, interpreter.Python, python)
		},
	}
	c.Flags().StringVar(&python.from, "from", "", "a .tar.gz or a folder with Python 3.11")
	c.Flags().StringVar(&python.wheels, "wheels", "", "a folder of *.whl to install")
	return c
}
