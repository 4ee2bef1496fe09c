package user

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func edit(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "edit NAME", Short: "change a user's role, password or way in", Args: cli.Exactly(1, "a name"),
		Long: `Edit changes a user, who is signed out everywhere, at all gateways. The last
administrator who can sign in stays one.

  tccloud user edit ada --role administrator --data DIR
  tccloud user edit ada --password --data DIR
  tccloud user edit bob --disable --data DIR`,
	}
	f := cmd.Flags()
	role := f.String("role", "", "viewer, operator or administrator")
	disable := f.Bool("disable", false, "let the user not sign in")
	enable := f.Bool("enable", false, "let the user sign in again")
	noSSO := f.Bool("no-single-sign-on", false, "end single sign-on of this user")
	var s subject
	s.add(cmd)
	ask := f.Bool("password", false, "set a password, asked for on the terminal")
	secret := o.Password(cmd, "the new password")
	asJSON := cli.JSONFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("disable", "enable")
	cmd.MarkFlagsMutuallyExclusive("no-single-sign-on", "subject", "email")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var q v1.ChangeUser
		if *role != "" {
			r := access.Role(*role)
			q.Role = &r
		}
		if *disable || *enable {
			q.Disabled = disable
		}
		var err error
		if q.Subject, err = s.read(cmd); err != nil {
			return err
		}
		if s.email != "" {
			q.Email = &s.email
		}
		if *noSSO {
			q.Subject = new(access.Subject)
		}
		password := *ask || secret.GivenByFile()
		if q == (v1.ChangeUser{}) && !password {
			return cli.Misuse(cmd, "give what to change")
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		if password {
			text, err := newPassword(cmd, secret, args[0])
			if err != nil {
				return err
			}
			q.Password = &text
		}
		u, err := c.ChangeUser(cmd.Context(), args[0], q)
		if err != nil {
			return err
		}
		return answer(o, *asJSON, u, nil)
	}
	return cmd
}
