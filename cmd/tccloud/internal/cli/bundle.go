package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
)

func bundleCommand(o *operator.Env) *cobra.Command {
	var q v1.NewBundle
	var out, server string
	var asLink bool
	var valid time.Duration
	cmd := &cobra.Command{
		Use: "bundle ENV -o FILE | --link", Short: "make the bundle of an Environment Server", Args: cli.Exactly(1, "an Environment"),
		Long: `Bundle makes what an Environment's "Download" gives: the package to install, and a
ZIP that "tcenvsvr enroll" takes, which says where this cloud is and contains the
identity of one server. Every bundle is a new server, unless --server says which
existing one it is for; that one keeps running on its old bundle until the new
one is first used.

  kind all     all-in-one: package, configuration and keystore
  kind env     environment config only: no package. With --server it is the .env file
               alone: the server keeps its keystore, and may move to another Environment
  kind server  server only: the package, as it was added

Without --kind it is all-in-one where this cloud has the newest rpm for amd64, and goes
without the package where it has not. --system, --arch and --version choose another
package; "tccloud release add" adds packages, "tccloud release list" shows them.

The file holds secrets in the clear and is written with mode 0600. One that is there stays,
unless --force says otherwise: it may be the only copy of another server's identity.

--link prints a link in place of a file: "tcenvsvr enroll LINK" fetches the bundle, which
is made only then. It works once and for a limited time, carries the digest of this
cloud's CA, so that it needs no trust in anything else, and is as secret as the file.
Whoever enrolls has the program already: only --kind all puts the package into it.

  tccloud bundle lab --name scanner-1 -o threatconnect-envsvr-bundle.zip --data DIR
  tccloud bundle lab --name scanner-2 --link --valid 20m --data DIR
  tccloud bundle lab --system deb --arch arm64 -o scanner-3.zip --data DIR
  tccloud bundle prod --kind env --server XID -o environment.env --data DIR
  tccloud bundle lab --kind server --system tar.gz -o envsvr.tar.gz --data DIR`,
	}
	f := cmd.Flags()
	f.StringVar(&q.Kind, "kind", "", "what is in it: all, env or server")
	f.StringVar(&q.System, "system", "", "kind of the package: "+strings.Join(packages.Systems, ", ")+" (default rpm)")
	f.StringVar(&q.Arch, "arch", "", "architecture of the package: amd64 or arm64 (default amd64)")
	f.StringVar(&q.Version, "version", "", "version of the package (default the newest)")
	f.StringVar(&q.Name, "name", "", "name of the server, for people")
	f.StringVar(&server, "server", "", "xid of the existing server it is for")
	f.StringVarP(&out, "output", "o", "", "file to write")
	force := f.Bool("force", false, "write over a file that is there")
	f.BoolVar(&asLink, "link", false, "print a one-time link instead")
	f.DurationVar(&valid, "valid", time.Hour, "how long the link is good, up to 168h")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (out == "") != asLink {
			return cli.Misuse(cmd, "give -o FILE or --link, one of them")
		}
		if _, err := os.Lstat(out); err == nil && !*force {
			return operator.Try(fmt.Errorf("%q is there already", out), "name another file, or --force writes over it")
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		q.Server = wire.ServerXID(server)
		if asLink {
			q.ValidSeconds = int64(valid / time.Second)
			l, err := c.Link(cmd.Context(), args[0], q)
			if err != nil {
				return err
			}
			return cli.Answer(o.Stdout, *asJSON, l, func(w io.Writer) { fmt.Fprintln(w, l.URL) })
		}
		answer := struct {
			v1.Made
			File string `json:"file"`
		}{File: out}
		err = atomicfile.Write(out, 0o600, func(w io.Writer) (err error) {
			answer.Made, err = c.Bundle(cmd.Context(), args[0], q, w)
			return err
		})
		if err != nil {
			return err
		}
		if answer.Package == "" && q.Kind == "" {
			fmt.Fprintln(o.Stderr, `the package is not in it: this cloud has no rpm for amd64 ("tccloud release add FILE.rpm" adds one, --system takes another kind)`)
		}
		return cli.Answer(o.Stdout, *asJSON, answer, func(w io.Writer) {
			parts := []string{out}
			if answer.Server != "" {
				parts = append(parts, "server "+string(answer.Server))
			}
			if answer.Package != "" {
				parts = append(parts, "package "+answer.Package)
			}
			fmt.Fprintln(w, strings.Join(parts, "\t"))
		})
	}
	return o.Command(cmd)
}
