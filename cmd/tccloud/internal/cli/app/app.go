package app

import (
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud app".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("app", "manage the catalog of Apps",
		`App manages the catalog: packages (.tcx) by name and version.

  tccloud app sign My_App.tcx --key publisher.key
  tccloud app add My_App.tcx --data DIR
  tccloud app rm My_App@1.0.2 --data DIR`,
		add(o), sign(o), list(o), show(o), metrics(o), remove(o))
}

// Split splits NAME@VERSION; the version may be missing.
func Split(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
