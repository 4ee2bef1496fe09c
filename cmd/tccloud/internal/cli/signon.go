package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/access"
	"tcenvsvr/cmd/tccloud/internal/console/sso"
)

// signOnFlags are those of "tccloud serve" for single sign-on.
type signOnFlags struct {
	sso.Config
	secretFile, caFile string
	roles              []string
}

func (s *signOnFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.Issuer, "oidc-issuer", "", "https:// address of the OpenID provider for single sign-on, as its tokens name it")
	f.StringVar(&s.ClientID, "oidc-client-id", "", "what this cloud is called there")
	f.StringVar(&s.secretFile, "oidc-client-secret-file", "", "file with the client secret, which others cannot read (default: a public client, by PKCE alone)")
	f.StringVar(&s.RedirectURL, "oidc-redirect-url", "", "what the provider has as redirect URL (default: that of the API at --public-url, "+sso.CallbackPath+")")
	f.StringArrayVar(&s.roles, "oidc-role", nil, "GROUP=ROLE: who is in that group there becomes a user with that role; repeatable, the highest counts (default: only users that were created)")
	f.StringVar(&s.GroupsClaim, "oidc-groups-claim", "groups", "claim of the ID token that has the groups")
	f.StringArrayVar(&s.Scopes, "oidc-scope", nil, "scope to ask for beside openid, email and profile; repeatable")
	f.StringVar(&s.caFile, "oidc-ca-file", "", "PEM file with the CAs of the provider's certificate (default: the system's)")
	f.StringVar(&s.Label, "oidc-name", "", "name of the provider on the page to sign in (default: its host)")
	var names []string
	for _, name := range signOnNames {
		names = append(names, "oidc-"+name)
	}
	cli.GroupFlags(f, "Single sign-on (\"tccloud help console\")", names...)
}

// signOnNames are the flags without their prefix.
var signOnNames = []string{"issuer", "client-id", "client-secret-file", "redirect-url", "role", "groups-claim", "scope", "ca-file", "name"}

// Bounds of files in bytes.
const (
	maxClientSecret = 4 << 10
	maxSignOnCA     = 1 << 20
)

// config returns nil without --oidc-issuer.
func (s *signOnFlags) config(cmd *cobra.Command) (*sso.Config, error) {
	if s.Issuer == "" {
		for _, name := range signOnNames {
			if cmd.Flags().Changed("oidc-" + name) {
				return nil, cli.Misuse(cmd, "--oidc-%s belongs to --oidc-issuer", name)
			}
		}
		return nil, nil
	}
	c := s.Config
	c.Roles = map[string]access.Role{}
	for _, r := range s.roles {
		i := strings.LastIndexByte(r, '=') // groups of LDAP have more of them
		if i < 0 {
			return nil, cli.Misuse(cmd, "--oidc-role %q: want GROUP=ROLE", r)
		}
		c.Roles[r[:i]] = access.Role(r[i+1:])
	}
	check := c
	if check.RedirectURL == "" {
		check.RedirectURL = "https://cloud.invalid" + sso.CallbackPath // the cloud knows it when it listens
	}
	if err := check.Check(); err != nil {
		return nil, cli.Misuse(cmd, "%w", err)
	}
	if s.secretFile != "" {
		data, err := privatefile.Read(s.secretFile, maxClientSecret)
		if err != nil {
			return nil, fmt.Errorf("reading --oidc-client-secret-file: %w", err)
		}
		if c.ClientSecret = strings.TrimSpace(string(data)); c.ClientSecret == "" {
			return nil, fmt.Errorf("reading --oidc-client-secret-file: %q is empty", s.secretFile)
		}
	}
	if s.caFile != "" {
		var err error
		if c.CA, err = readCA(s.caFile); err != nil {
			return nil, fmt.Errorf("reading --oidc-ca-file: %w", err)
		}
	}
	return &c, nil
}

func readCA(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSignOnCA+1))
	if err == nil && len(data) > maxSignOnCA {
		err = fmt.Errorf("%q has more than %d bytes", name, maxSignOnCA)
	}
	return data, err
}
