package user

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "create NAME", Short: "create a user", Args: cli.Exactly(1, "a name"),
		Long: `Create adds a user. Without a password and without single sign-on it prints a link
by which the user signs in once, within 15 minutes, and sets a password. The link is a
secret.

With --subject or --email the user signs in by single sign-on: "tccloud help console".

A name has a–z, 0–9 and . _ @ + -, so that no two look alike.

  tccloud user create ada --role operator --data DIR
  tccloud user create bob --role viewer --password-file FILE --data DIR
  tccloud user create eve --role viewer --subject 4711 --data DIR
  tccloud user create joe --role viewer --email joe@example.com --data DIR`,
	}
	role := cmd.Flags().String("role", "", "viewer, operator or administrator")
	var s subject
	s.add(cmd)
	ask := cmd.Flags().Bool("password", false, "set a password, asked for on the terminal")
	secret := o.Password(cmd, "the password")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := v1.NewUser{Name: args[0], Role: access.Role(*role), Email: s.email}
		if *role == "" {
			return cli.Misuse(cmd, "give --role viewer, operator or administrator")
		}
		var err error
		if q.Subject, err = s.read(cmd); err != nil {
			return err
		}
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		if *ask || secret.GivenByFile() {
			if q.Password, err = newPassword(cmd, secret, q.Name); err != nil {
				return err
			}
		}
		u, err := c.CreateUser(cmd.Context(), q)
		if err != nil {
			return err
		}
		if u.Password || u.Subject != nil || u.Email != "" {
			return answer(o, *asJSON, u, nil)
		}
		l, err := c.LinkUser(cmd.Context(), u.Name)
		if err != nil {
			return operator.Try(err, "the user is there; \"tccloud user link %s\" makes a link", u.Name)
		}
		return answer(o, *asJSON, u, &l)
	}
	return cmd
}
