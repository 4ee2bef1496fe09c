package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func newApp(env *Env) *cobra.Command {
	return operator(env, group("app", "manage the catalog of Apps",
		`App manages the catalog: packages (.tcx) by name and version.

  tccloud app add My_App.tcx --data DIR
  tccloud app rm My_App@1.0.2 --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newAppAdd(env), newAppList(env), newAppRemove(env)))
}

func newAppAdd(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "add FILE", Short: "add a package (.tcx)", Args: exactly("FILE")}
	replace := cmd.Flags().Bool("replace", false, "replace the same version with other content")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("reading the App: %w", err)
		}
		defer f.Close()
		c, err := env.connect()
		if err != nil {
			return err
		}
		a, err := c.AddApp(cmd.Context(), f, *replace)
		if err != nil {
			return fmt.Errorf("adding App %q: %w", args[0], err)
		}
		return env.answer(*json, a, func(w io.Writer) {
			facts(w, "name", a.Name, "version", a.Version, "language", a.Language, "runtime level", a.RuntimeLevel,
				"size", a.Size, "sha256", a.SHA256, "parameters", params(a))
		})
	}
	return cmd
}

func params(a v1.App) string {
	var names []string
	for _, p := range a.Params {
		if p.Required {
			p.Name += " (required)"
		}
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

func newAppList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "list the Apps", Args: exactly()}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		list, err := c.Apps(cmd.Context())
		if err != nil {
			return err
		}
		return env.answer(*json, list, func(w io.Writer) {
			table(w, "NAME\tVERSION\tLANGUAGE\tLEVEL\tSIZE\tSHA256\tADDED", func(row func(...any)) {
				for _, a := range list {
					row(a.Name, a.Version, a.Language, a.RuntimeLevel, a.Size, a.SHA256[:12], clock(a.Added))
				}
			})
		})
	}
	return cmd
}

func newAppRemove(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "rm NAME@VERSION", Short: "remove a version of an App", Args: exactly("NAME@VERSION")}
	force := cmd.Flags().Bool("force", false, "also while executions use it; they still get it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, version := splitApp(args[0])
		if version == "" {
			return misuse(cmd, "%q names no version, want NAME@VERSION", args[0])
		}
		c, err := env.connect()
		if err != nil {
			return err
		}
		return c.RemoveApp(cmd.Context(), name, version, *force)
	}
	return cmd
}

// splitApp takes NAME@VERSION apart; the version may be missing.
func splitApp(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
