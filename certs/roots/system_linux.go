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
