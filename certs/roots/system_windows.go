package roots

import (
	"crypto/x509"
	"fmt"
	"unsafe"

	"tcenvsvr/certs/cert"

	"golang.org/x/sys/windows"
)

// SystemFiles: Windows keeps its roots in no file.
var SystemFiles []string

// System returns the roots of the local machine.
func System() (Found, error) {
	f, err := store("ROOT")
	if err == nil && len(f.Certs) == 0 {
		err = fmt.Errorf("%w: %q", ErrNone, f.Place)
	}
	return f, err
}

// store reads a system store of Windows.
func store(name string) (Found, error) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return Found{}, err
	}
	s, err := windows.CertOpenSystemStore(0, text)
	if err != nil {
		return Found{}, fmt.Errorf("opening the store %q of Windows: %w", name, err)
	}
	defer func() { _ = windows.CertCloseStore(s, 0) }()
	f := Found{Place: "Windows store " + name}
	for c, err := windows.CertEnumCertificatesInStore(s, nil); err == nil && c != nil; c, err = windows.CertEnumCertificatesInStore(s, c) {
		parsed, err := x509.ParseCertificate(append([]byte(nil), unsafe.Slice(c.EncodedCert, c.Length)...))
		if err != nil {
			f.Skipped++
			continue
		}
		f.Certs = append(f.Certs, parsed)
	}
	return f, nil
}

// Windows has no files of distrusted certificates, but a store; see addStore.
var (
	blockFolders                         []string
	redhatTrust, debianList, debianCerts string
)

func (d Distrust) addStore() {
	f, err := store("Disallowed")
	if err != nil {
		return
	}
	for _, c := range f.Certs {
		d[cert.Fingerprint(c)] = f.Place
	}
}
