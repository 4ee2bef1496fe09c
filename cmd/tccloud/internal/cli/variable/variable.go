package variable

import (
	"github.com/spf13/cobra"

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
