package cli

import "github.com/spf13/cobra"

// consoleTopic is the help topic about the console and single sign-on.
func consoleTopic() *cobra.Command {
	return &cobra.Command{Use: "console", Short: "the web console, and single sign-on by OpenID Connect", Long: `The console is on both ports of a gateway: https://NAME/ and https://NAME:62000/. People
sign in by a password or a one-time link ("tccloud user"), and, if "tccloud serve" is told
of an OpenID provider, by single sign-on:

  tccloud serve --data DIR --name cloud.example.com \
    --oidc-issuer https://sso.example.com/realms/staff --oidc-client-id tccloud \
    --oidc-client-secret-file FILE --oidc-role "cloud admins=administrator"

The provider needs a confidential web client with the authorization code flow, and this
redirect URL, which the log of serve has too: https://cloud.example.com/console/sso/callback
(--oidc-redirect-url names another one: a sign-in that begins at another host goes there).
The secret is in a file that only its owner reads. Gateways of one cloud get the same flags.

  Keycloak   Clients, Create: OpenID Connect, client authentication on, standard flow,
             PKCE S256. Issuer https://HOST/realms/REALM. Groups: Client scopes,
             CLIENT-dedicated, Add mapper, Group Membership: claim groups, in the ID
             token, without the full path.
  Entra ID   App registrations, New: platform Web; Certificates & secrets. Issuer
             https://login.microsoftonline.com/TENANT-ID/v2.0. Groups: Token configuration,
             Add groups claim, those assigned to the application; GROUP is an object id.
             Or App roles, with --oidc-groups-claim roles. It verifies no email address.
  Okta       Applications, Create: OIDC, Web application. Issuer https://ORG.okta.com.
             Groups: Sign On, Groups claim filter: groups, matches regex; with
             --oidc-scope groups.

Who may sign in:

  user create NAME --role ROLE --subject ID    who has this id (sub) there. Whoever is not
                                               let in sees the own one
  user create NAME --role ROLE --email A       who comes first with this address, which
                                               the provider has verified, is bound by the
                                               id from then on
  serve --oidc-role GROUP=ROLE                 who is in the group becomes a user. The
                                               role follows the groups at each sign-in;
                                               without one nobody gets in, and there is
                                               no password or link for such a user

Keep one administrator with a password: it gets in while the provider is down, and is the
last one that is not removed. Someone who leaves is disabled at the provider, and here at
once by "tccloud user edit NAME --disable": a session lasts 12 hours, 30 minutes unused.

ID tokens are taken with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or ES512,
in FIPS 140-3 mode as well; never with none, HS* or EdDSA. Clocks may differ by a minute.
The provider is asked by https (HTTPS_PROXY holds), --oidc-ca-file has a private CA.`}
}
