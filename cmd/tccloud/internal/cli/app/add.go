package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func add(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "add FILE.tcx", Short: "add a package (.tcx) with its signature", Args: cli.Exactly(1, "a file"),
		Long: `Add adds a package to the catalog, with its signature where FILE.tcx.minisig is
beside it ("tccloud app sign"). For a package that is there already it adds the
signature, or puts it in the place of the one that is there.

The cloud keeps the signature and passes it on. It has no publisher's keys and
verifies nothing; servers do, with the keys in their policy. With --publisher this
command verifies before it sends anything.

  tccloud app add My_App.tcx --publisher publisher.key.pub --data DIR`,
	}
	replace := cmd.Flags().Bool("replace", false, "replace the same version with other content")
	sig := cmd.Flags().String("signature", "", "file of the signature, default FILE.tcx.minisig if it is there")
	publisher := cmd.Flags().String("publisher", "", "file of the public key that must have signed the package")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("reading the App: %w", err)
		}
		defer f.Close()
		text, err := signatureBeside(args[0], *sig, *publisher)
		if err != nil {
			return fmt.Errorf("adding App %q: %w", args[0], err)
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		a, err := c.AddApp(cmd.Context(), f, text, *replace)
		if err != nil {
			return fmt.Errorf("adding App %q: %w", args[0], err)
		}
		if !*asJSON {
			for _, w := range a.Warnings {
				fmt.Fprintln(o.Stderr, plain.Line(w))
			}
		}
		return printApp(o, *asJSON, a)
	}
	return cmd
}

// signatureBeside returns the signature in a file, or else the one beside the package, nil if there
// is none and no publisher must have signed.
func signatureBeside(pkg, file, publisher string) ([]byte, error) {
	if file != "" {
		return readSigned(file, pkg, publisher)
	}
	text, err := readSigned(pkg+suffix, pkg, publisher)
	if errors.Is(err, fs.ErrNotExist) && publisher == "" {
		return nil, nil
	}
	return text, err
}

func printApp(o *operator.Env, asJSON bool, a v1.App) error {
	return cli.Answer(o.Stdout, asJSON, a, func(w io.Writer) {
		by := "nobody"
		if a.SignedBy != "" {
			by = "key " + a.SignedBy + ", not verified by the cloud"
		}
		cli.Facts(w, "name", a.Name, "version", a.Version, "language", a.Language, "runtime level", a.RuntimeLevel,
			"size", a.Size, "sha256", a.SHA256, "signed by", by, "parameters", params(a))
	})
}

func params(a v1.App) string {
	var names []string
	for _, p := range a.Params {
		var marks []string
		if p.Required {
			marks = append(marks, "required")
		}
		if p.Encrypt {
			marks = append(marks, "secret")
		}
		if marks != nil {
			p.Name += " (" + strings.Join(marks, ", ") + ")"
		}
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
