package user

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud user".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("user", "manage who signs in to the console",
		`User manages the people who sign in to the console, and what they may do there:

  viewer          reads everything but users, tokens and the audit log
  operator        also runs and cancels Apps, uploads them, and manages Jobs,
                  services, triggers and variables
  administrator   also manages Environments, bundles, releases, users and tokens

Who comes by single sign-on, and how to set that up: "tccloud help console".

Passwords are kept as argon2id, in FIPS 140-3 mode as PBKDF2-HMAC-SHA256. Programs
use API tokens instead: "tccloud token".

  tccloud user create ada --role operator --data DIR
  tccloud user list --data DIR`,
		create(o), list(o), edit(o), link(o), remove(o))
}

// answered is the answer of a command about one user.
type answered struct {
	v1.User
	Link *v1.Link `json:"link,omitempty"`
}

func answer(o *operator.Env, asJSON bool, u v1.User, l *v1.Link) error {
	return cli.Answer(o.Stdout, asJSON, answered{u, l}, func(w io.Writer) {
		facts := []any{"name", u.Name, "role", u.Role, "signs in by", way(u), "disabled", "", "last signed in", operator.Time(u.SignedIn)}
		if u.Disabled {
			facts[7] = "yes"
		}
		if l != nil {
			facts = append(facts, "one-time link", l.URL, "good until", operator.Time(l.Expires))
		}
		cli.Facts(w, facts...)
	})
}

// way is how a user signs in.
func way(u v1.User) string {
	var ways []string
	if u.Password {
		ways = append(ways, "password")
	}
	switch {
	case u.Groups:
		ways = append(ways, "single sign-on, role by its groups")
	case u.Subject != nil:
		ways = append(ways, "single sign-on")
	case u.Email != "":
		ways = append(ways, "single sign-on as "+u.Email)
	}
	return cmp.Or(strings.Join(ways, ", "), "one-time link only")
}

// subject are the flags of single sign-on.
type subject struct{ issuer, id, email string }

func (s *subject) add(c *cobra.Command) {
	c.Flags().StringVar(&s.id, "subject", "", "single sign-on: the user's id at the provider (sub)")
	c.Flags().StringVar(&s.issuer, "issuer", "", "single sign-on: another provider than that of \"tccloud serve --oidc-issuer\"")
	c.Flags().StringVar(&s.email, "email", "", "single sign-on: whoever signs in there first with this address, verified by the provider, is the user from then on")
}

// read returns nil if no subject is given.
func (s *subject) read(c *cobra.Command) (*access.Subject, error) {
	switch {
	case s.id != "" && s.email != "":
		return nil, cli.Misuse(c, "give --subject or --email, not both")
	case s.id != "":
		return &access.Subject{Issuer: s.issuer, ID: s.id}, nil
	case s.issuer != "":
		return nil, cli.Misuse(c, "--issuer belongs to --subject")
	}
	return nil, nil
}

// newPassword asks for a new password of a user.
func newPassword(c *cobra.Command, p *operator.Password, name string) (string, error) {
	secret, err := p.New(c.Context(), fmt.Sprintf("new password of %s: ", name))
	if err != nil {
		return "", err
	}
	if err := access.CheckPassword(string(secret)); err != nil { // before it is sent
		return "", operator.Try(err, "take a longer one, such as four words: %d to %d bytes", access.MinPassword, access.MaxPassword)
	}
	return string(secret), nil
}
