package token

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME", Short: "make a token", Args: cli.Exactly(1, "a name"),
		Long: `Create makes a token and prints it, once; with -o it is written to a file that only
you can read, as --token-file takes it. With --environment everything of other
Environments does not exist for the token, and what belongs to no Environment (uploads
of Apps, variables, releases, users) is refused.

  tccloud token create ci --role operator --environment lab -o ci.token --data DIR
  tccloud token create dashboard --role viewer --valid 720h --data DIR`,
	}
	f := cmd.Flags()
	role := f.String("role", "", "viewer, operator or administrator")
	environments := f.StringArray("environment", nil, "the only Environment that exists for it; repeatable (default all)")
	valid := f.Duration("valid", access.TokenLife, "how long it is good, up to 43920h")
	file := f.StringP("output", "o", "", "write it to this file instead of showing it")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *role == "":
			return cli.Misuse(cmd, "give --role viewer, operator or administrator")
		case *valid < time.Minute || *valid > access.MaxTokenLife:
			return cli.Misuse(cmd, "--valid is 1m to %s", access.MaxTokenLife)
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		var out *os.File
		if *file != "" { // before there is a token that nobody has
			if out, err = os.OpenFile(*file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
				return fmt.Errorf("making a token: %w", err)
			}
			defer out.Close()
		}
		t, err := c.CreateAPIToken(cmd.Context(), v1.NewAPIToken{
			Name: args[0], Role: access.Role(*role), Environments: *environments, ValidSeconds: int64(*valid / time.Second),
		})
		if out != nil {
			if err != nil {
				return errors.Join(err, os.Remove(*file))
			}
			if _, err := fmt.Fprintln(out, t.Secret); err != nil {
				return fmt.Errorf("writing the token: %w", err)
			}
			if err := errors.Join(out.Sync(), out.Close()); err != nil {
				return fmt.Errorf("writing the token: %w", err)
			}
			t.Secret = ""
		}
		if err != nil {
			return err
		}
		return cli.Answer(o.Stdout, *asJSON, t, func(w io.Writer) {
			cli.Facts(w, "id", t.ID, "name", t.Name, "role", t.Role, "environments", scope(t.APIToken), "expires", operator.Time(t.Expires), "token", t.Secret, "written to", *file)
		})
	}
	return cmd
}
