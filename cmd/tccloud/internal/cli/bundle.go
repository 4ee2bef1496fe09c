package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/atomicfile"
	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func newBundle(env *Env) *cobra.Command {
	var q v1.NewBundle
	var out, server string
	var asLink bool
	var valid time.Duration
	cmd := &cobra.Command{
		Use: "bundle ENV -o FILE | --link", Short: "make the bundle of an Environment Server", Args: exactly("ENV"),
		Long: `Bundle makes a ZIP that "tcenvsvr enroll" takes: where this cloud is, and the
identity of one server. Every bundle is a new server, unless --server says which
existing one it is for; that one keeps running on its old bundle until the new
one is first used.

  kind all     configuration and keystore
  kind env     the configuration alone, with --server: it keeps its keystore and
               may move to another Environment
  kind server  the package alone: this cloud has none to give

The file holds secrets in the clear and is written with mode 0600.

--link prints a link in place of a file: "tcenvsvr enroll LINK" fetches the bundle, which
is made only then. It works once and for a limited time, carries the digest of this
cloud's CA, so that it needs no trust in anything else, and is as secret as the file.

  tccloud bundle lab --name scanner-1 -o scanner-1.zip --data DIR
  tccloud bundle lab --name scanner-2 --link --valid 20m --data DIR
  tccloud bundle prod --kind env --server XID -o move.zip --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	f := cmd.Flags()
	f.StringVar(&q.Kind, "kind", "all", "what is in it: all, env or server")
	f.StringVar(&q.Name, "name", "", "name of the server, for people")
	f.StringVar(&server, "server", "", "xid of the existing server it is for")
	f.StringVarP(&out, "output", "o", "", "file to write")
	f.BoolVar(&asLink, "link", false, "print a one-time link instead")
	f.DurationVar(&valid, "valid", time.Hour, "how long the link is good, up to 168h")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (out == "") != asLink {
			return misuse(cmd, "give -o FILE or --link")
		}
		c, err := env.connect()
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
			return env.answer(*json, l, func(w io.Writer) { fmt.Fprintln(w, l.URL) })
		}
		zip, xid, err := c.Bundle(cmd.Context(), args[0], q)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(out, zip, 0o600); err != nil {
			return err
		}
		answer := struct {
			Server wire.ServerXID `json:"server"`
			File   string         `json:"file"`
		}{xid, out}
		return env.answer(*json, answer, func(w io.Writer) { fmt.Fprintf(w, "%s\tserver %s\n", out, xid) })
	}
	return operator(env, cmd)
}
