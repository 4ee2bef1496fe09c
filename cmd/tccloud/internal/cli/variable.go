package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
)

func newVariable(env *Env) *cobra.Command {
	return operator(env, group("variable", "manage runtime variables",
		`Variable manages what Apps may resolve at run time: a parameter that holds
&{TC:KEYCHAIN:ID} names a variable, and only an execution with such a parameter
can read it. What a variable holds is never shown again.

  tccloud variable set TC/9f1c --data DIR < password.txt
  tccloud variable list --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newVariableSet(env), newVariableList(env), newVariableRemove(env)))
}

func newVariableSet(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "set SOURCE/ID", Short: "store a variable, its content from stdin", Args: exactly("SOURCE/ID"),
		Long: `Set stores what it reads from stdin or a file; one newline at the end is dropped.
SOURCE is TC or Vault. The content of a FILE variable is base64.

  tccloud variable set TC/9f1c --file password.txt --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	file := cmd.Flags().String("file", "-", "file with the content, - is stdin")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, id, ok := strings.Cut(args[0], "/")
		if !ok {
			return misuse(cmd, "%q is not SOURCE/ID", args[0])
		}
		data, err := inputs.Source{Stdin: env.Stdin}.Read(*file)
		if err != nil {
			return fmt.Errorf("reading the content of the variable: %w", err)
		}
		c, err := env.connect()
		if err != nil {
			return err
		}
		return c.SetVariable(cmd.Context(), source, id, strings.TrimSuffix(string(data), "\n"))
	}
	return cmd
}

func newVariableList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "list the variables, not what they hold", Args: exactly()}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		list, err := c.Variables(cmd.Context())
		if err != nil {
			return err
		}
		return env.answer(*json, list, func(w io.Writer) {
			table(w, "VARIABLE\tCHANGED", func(row func(...any)) {
				for _, v := range list {
					row(v.Source+"/"+v.ID, clock(v.Changed))
				}
			})
		})
	}
	return cmd
}

func newVariableRemove(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "rm SOURCE/ID", Short: "remove a variable", Args: exactly("SOURCE/ID")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, id, _ := strings.Cut(args[0], "/")
		c, err := env.connect()
		if err != nil {
			return err
		}
		return c.DeleteVariable(cmd.Context(), source, id)
	}
	return cmd
}
