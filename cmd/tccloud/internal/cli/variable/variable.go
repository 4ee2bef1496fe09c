package variable

import (
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud variable".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("variable", "manage runtime variables",
		`Variable manages what Apps may resolve at run time: a parameter that holds
&{TC:KEYCHAIN:ID} names a variable, and only an execution with such a parameter
can read it. What a variable holds is never shown again.

  tccloud variable set TC/9f1c --data DIR < password.txt
  tccloud variable list --data DIR`,
		set(o), list(o), remove(o))
}

func split(cmd *cobra.Command, name string) (source, id string, err error) {
	source, id, ok := strings.Cut(name, "/")
	if !ok {
		return "", "", cli.Misuse(cmd, "%q is not SOURCE/ID, as TC/9f1c", name)
	}
	return source, id, nil
}
