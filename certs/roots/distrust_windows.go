package roots

import "tcenvsvr/certs/cert"

// Windows has a store for what is not trusted.
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
