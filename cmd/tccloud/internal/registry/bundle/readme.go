package bundle

import (
	"fmt"
	"strings"
)

// readme says what the bundle is, for whoever finds it. Nothing secret.
func readme(c Content, keystore bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `ThreatConnect Environment Server: bundle

Environment  %s
Server       %s (%s)
Cloud        %s, broker %s

On the server's host, with the package threatconnect-envsvr installed:

    tcenvsvr enroll threatconnect-envsvr-bundle.zip

The package itself is not part of this bundle. The host needs to reach the
two addresses above; it is never connected to.

`, c.Identity.Environment, c.Identity.Name, c.Identity.XID, c.APIURL, c.BrokerHost)
	if !keystore {
		b.WriteString("This is a configuration only: the server named above keeps the keystore it has.\n\n")
	}
	b.WriteString(`Whoever has this file can connect as this server. Delete it after use. If it
got lost: tccloud server revoke ` + string(c.Identity.XID) + "\n")
	return []byte(b.String())
}
