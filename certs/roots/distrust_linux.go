package roots

// Where administrators take trust back: RHEL's folders for update-ca-trust,
// what it makes of them, and Debian's list.
var (
	blockFolders = []string{"/etc/pki/ca-trust/source/blocklist", "/etc/pki/ca-trust/source/blacklist", "/etc/pki/trust/blocklist"}
	redhatTrust  = "/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt"
	debianList   = "/etc/ca-certificates.conf"
	debianCerts  = "/usr/share/ca-certificates"
)

func (d Distrust) addStore() {}
