package artifact

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func download(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "download ID [N]...", Short: "download batches", Args: cli.AtLeast(1, "an execution's id"),
		Long: `Download fetches the batches of an execution, all or those numbered, into a folder, as
batch-N.json: what the App uploaded, with what was rejected.

  tccloud execution artifact download ID --data DIR
  tccloud execution artifact download ID 1000001 -o /tmp/batches --data DIR`,
	}
	dir := cmd.Flags().StringP("output", "o", ".", "folder to write to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		id := wire.OrderID(args[0])
		chosen, err := batches(cmd.Context(), c, id, args[1:])
		if err != nil {
			return err
		}
		if err := os.MkdirAll(*dir, 0o755); err != nil {
			return fmt.Errorf("downloading batches: %w", err)
		}
		for _, a := range chosen {
			path := filepath.Join(*dir, fmt.Sprintf("batch-%d.json", a.ID))
			if err := atomicfile.Write(path, 0o644, func(w io.Writer) error { return c.Batch(cmd.Context(), id, a.ID, w) }); err != nil {
				return err
			}
			fmt.Fprintln(o.Stdout, path)
		}
		return nil
	}
	return cmd
}
