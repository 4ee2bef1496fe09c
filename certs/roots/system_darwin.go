package roots

import (
	"fmt"
	"os/exec"

	"tcenvsvr/certs/cert"
)

// SystemFiles are the keychains: Apple's roots, and what administrators added.
var SystemFiles = []string{
	"/System/Library/Keychains/SystemRootCertificates.keychain",
	"/Library/Keychains/System.keychain",
}

// System returns the host's roots by the tool that comes with it.
func System() (Found, error) {
	args := append([]string{"find-certificate", "-a", "-p"}, SystemFiles...)
	out, err := exec.Command("/usr/bin/security", args...).Output()
	if err != nil {
		return Found{}, fmt.Errorf("reading the host's trusted CAs from its keychains: %w", err)
	}
	certs, skipped, err := cert.Parse(out)
	if err != nil {
		return Found{}, fmt.Errorf("reading the host's trusted CAs from its keychains: %w", err)
	}
	// The System keychain holds certificates of all kinds: CAs are wanted.
	f := Found{Place: "keychains", Skipped: len(skipped)}
	for _, c := range certs {
		if c.IsCA || cert.SelfSigned(c) {
			f.Certs = append(f.Certs, c)
		}
	}
	return f, nil
}
