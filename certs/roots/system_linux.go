package roots

// SystemFiles are the places of RHEL, Debian and SUSE; the first that is there counts.
var SystemFiles = []string{
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
}

// System returns the host's roots.
func System() (Found, error) { return firstFile(SystemFiles) }

// Where administrators distrust certificates: RHEL's folders for update-ca-trust, the file that it
// makes of them, and Debian's list.
var (
	blockFolders = []string{"/etc/pki/ca-trust/source/blocklist", "/etc/pki/ca-trust/source/blacklist", "/etc/pki/trust/blocklist"}
	redhatTrust  = "/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt"
	debianList   = "/etc/ca-certificates.conf"
	debianCerts  = "/usr/share/ca-certificates"
)

func (d Distrust) addStore() {}
