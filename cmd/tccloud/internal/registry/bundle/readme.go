package bundle

import (
	"fmt"
	"strings"
)

// install tells how to install each kind of package, and how to check that it is the one that was
// released. The key for that is not in the bundle: a key that came the same way as the package
// would prove nothing.
var install = map[string]string{
	"rpm": `    rpm --import RPM-GPG-KEY-threatconnect-envsvr     the key, from your administrators
    rpm -K %[1]s
    dnf install ./%[1]s
`,
	"deb": `    apt install ./%[1]s
`,
	"tar.gz": `    tar -C / --no-overwrite-dir -xzf %[1]s && tcenvsvr host apply
`,
	"zip": `    unpack %[1]s, and run tcenvsvr.exe from there
`,
}

// readme tells people what the bundle is. It holds nothing secret.
func readme(c Content, keystore bool) []byte {
	var b strings.Builder
	b.WriteString("ThreatConnect Environment Server: bundle\n\n")
	about(&b, c, "")
	if p := c.Package; p != nil {
		fmt.Fprintf(&b, "The package lies beside this file. As an administrator of the server's host:\n\n"+install[p.System], p.Name)
		fmt.Fprintf(&b, "\nIts SHA-256, which stands in the signed SHA256SUMS of the release, is\n%s\n", p.SHA256)
	} else {
		b.WriteString("The package threatconnect-envsvr is not part of this bundle: install it first.\n")
	}
	b.WriteString(`
Then, as the agent's user, and as an administrator again:

    sudo -u threatconnect tcenvsvr enroll threatconnect-envsvr-bundle.zip
    systemctl enable --now threatconnect-envsvr

The host needs to reach the two addresses above; it is never connected to.

`)
	if !keystore {
		b.WriteString("This is a configuration only: the server named above keeps the keystore it has.\n\n")
	}
	b.WriteString(`Whoever has this file can connect as this server. Delete it after use. If it
got lost: tccloud server revoke ` + string(c.Identity.XID) + "\n")
	return []byte(b.String())
}

// remarks tell the same for a configuration alone.
func remarks(c Content) []byte {
	var b strings.Builder
	b.WriteString("# ThreatConnect Environment Server: environment configuration only.\n")
	about(&b, c, "# ")
	b.WriteString("# On the server's host: sudo -u threatconnect tcenvsvr enroll FILE\n# It holds secrets: delete it after use.\n\n")
	return []byte(b.String())
}

func about(b *strings.Builder, c Content, before string) {
	for _, line := range []string{
		"Environment  " + c.Identity.Environment,
		fmt.Sprintf("Server       %s (%s)", c.Identity.Name, c.Identity.XID),
		fmt.Sprintf("Cloud        %s, broker %s", c.APIURL, c.BrokerHost),
	} {
		fmt.Fprintln(b, before+line)
	}
	if before == "" {
		fmt.Fprintln(b)
	}
}
