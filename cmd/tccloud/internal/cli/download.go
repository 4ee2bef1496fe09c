package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
)

func newExecutionDownload(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "download ID [FILE]...", Short: "download published files", Args: cobra.MinimumNArgs(1),
		Long: `Download fetches the files an execution published, all or those named, into a
folder.

  tccloud execution download ID --data DIR
  tccloud execution download ID report.csv -o /tmp/reports --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	dir := cmd.Flags().StringP("output", "o", ".", "folder to write to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		x, err := c.Execution(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		for _, f := range x.Files {
			if f.Error != "" || len(args) > 1 && !slices.Contains(args[1:], f.Name) {
				continue
			}
			// The name is the App's choice: it must stay inside.
			if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
				return fmt.Errorf("downloading %q: the name leads out of the folder", f.Name)
			}
			path := filepath.Join(*dir, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return fmt.Errorf("downloading %q: %w", f.Name, err)
			}
			err := atomicfile.Write(path, 0o644, func(w io.Writer) error { return c.File(cmd.Context(), x.ID, f.Name, w) })
			if err != nil {
				return err
			}
			fmt.Fprintln(env.Stdout, path)
		}
		return nil
	}
	return cmd
}
