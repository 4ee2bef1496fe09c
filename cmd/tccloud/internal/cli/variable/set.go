package variable

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func set(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "set SOURCE/ID", Short: "store a variable, its content from stdin", Args: cli.Exactly(1, "SOURCE/ID"),
		Long: `Set stores what it reads from stdin or a file; one newline at the end is dropped.
SOURCE is TC or Vault. The content of a FILE variable is base64.

  tccloud variable set TC/9f1c --file password.txt --data DIR`,
	}
	file := cmd.Flags().String("file", "-", "file with the content, - is stdin")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, id, err := split(cmd, args[0])
		if err != nil {
			return err
		}
		data, err := inputs.Source{Stdin: o.Stdin}.Read(*file)
		if err != nil {
			return fmt.Errorf("reading the content of the variable: %w", err)
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return c.SetVariable(cmd.Context(), source, id, strings.TrimSuffix(string(data), "\n"))
	}
	return cmd
}
