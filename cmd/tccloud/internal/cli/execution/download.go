package execution

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func download(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "download ID [FILE]...", Short: "download published files", Args: cli.AtLeast(1, "an execution's id"),
		Long: `Download fetches the files an execution published, all or those named, into a
folder.

  tccloud execution download ID --data DIR
  tccloud execution download ID report.csv -o /tmp/reports --data DIR`,
	}
	dir := cmd.Flags().StringP("output", "o", ".", "folder to write to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		x, err := c.Execution(cmd.Context(), wire.OrderID(args[0]))
		if err != nil {
			return err
		}
		files, err := chosen(x, args[1:])
		if err != nil {
			return err
		}
		var errs []error // of one file, for which the others do not stay away
		for _, f := range files {
			path, err := place(*dir, f.Name)
			if err == nil {
				err = atomicfile.Write(path, 0o644, func(w io.Writer) error { return c.File(cmd.Context(), x.ID, f.Name, w) })
			}
			if err != nil {
				if errs = append(errs, err); cmd.Context().Err() != nil {
					break
				}
				continue
			}
			fmt.Fprintln(o.Stdout, path)
		}
		return errors.Join(errs...)
	}
	return cmd
}

// place makes the folder of a file and returns its path. The App chose the name: it must not lead out of dir.
func place(dir, name string) (path string, err error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("downloading %q: the name leads out of the folder", name)
	}
	path = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("downloading %q: %w", name, err)
	}
	return path, nil
}

// chosen are the published files of an execution that are named, or all.
func chosen(x v1.Execution, names []string) (files []wire.File, err error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(x.Files), func(f wire.File) bool { return f.Error != "" }), nil
	}
	for _, name := range names {
		i := slices.IndexFunc(x.Files, func(f wire.File) bool { return f.Name == name })
		switch {
		case i < 0:
			return nil, operator.Try(fmt.Errorf("execution %s published no file %q", x.ID, name), "\"tccloud execution show %s\" shows those that it did", x.ID)
		case x.Files[i].Error != "":
			return nil, fmt.Errorf("the server could not publish %q: %s", name, plain.Line(x.Files[i].Error))
		}
		files = append(files, x.Files[i])
	}
	return files, nil
}
