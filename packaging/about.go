package packaging

import "tcenvsvr/agent/host/layout"

// What rpm -qi and dpkg -s show.
const (
	Name        = layout.Package
	Summary     = "Runs Apps of a ThreatConnect Dedicated Cloud behind a firewall"
	Description = "The Environment Server takes orders from a Dedicated Cloud over outbound\n" +
		"connections only, runs Apps (Python 3.11 or Java 17) as the user tc-job, and\n" +
		"returns what came of them.\n" +
		"\n" +
		"Nothing runs after the installation: a server has to be enrolled first, by\n" +
		"\"tcenvsvr enroll\", and is then started by\n" +
		"\"systemctl enable --now threatconnect-envsvr\". A removal keeps settings, state\n" +
		"and users, and lets Apps that run come to their end."
	Maintainer = "ThreatConnect Environment Server <envsvr@threatconnect.example>"
	Vendor     = "ThreatConnect"
	Homepage   = "https://threatconnect.com"
	License    = "Apache-2.0"
)

// relations are the other packages that ours needs. Java and Python are recommended and not
// required: many hosts have their own below /opt, and the package must install on a host without a
// network.
type relations struct{ requires, recommends []string }

var rpmRelations = relations{
	requires: []string{"/bin/sh", "sudo", "shadow-utils", "systemd"},
	// EL 8 and 9 have both; the virtual name covers other vendors' JDKs.
	recommends: []string{"(java-17-headless or java-headless >= 1:17)", "python3.11", "ca-certificates"},
}

var debRelations = relations{
	requires:   []string{"sudo", "passwd"},
	recommends: []string{"openjdk-17-jre-headless | java17-runtime-headless", "python3 (>= 3.11)", "ca-certificates"},
}
