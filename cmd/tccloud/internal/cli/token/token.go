package token

import (
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud token".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("token", "manage the API tokens of programs",
		`Token manages tokens for programs that use the cloud's API, or tccloud itself
(--token-file, TCCLOUD_TOKEN_FILE). Each has a role, as users have ("tccloud user --help"),
an expiry, and if you like the only Environments that exist for it. Who made it and who
uses it is in "tccloud audit".

  tccloud token create ci --role operator --environment lab -o ci.token --data DIR
  tccloud token list --data DIR`,
		create(o), list(o), revoke(o))
}

// scope is which Environments exist for a token.
func scope(t v1.APIToken) string {
	if len(t.Environments) == 0 {
		return "all"
	}
	return strings.Join(t.Environments, ", ")
}
